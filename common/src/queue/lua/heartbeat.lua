-- dayfly_heartbeat: extends a worker's leases, tells it what to do, shows that it is there. Once a second.
-- KEYS: the base.
-- ARGV: worker, ttl ms, presence JSON, its tasks joined by commas, what it holds: `id/fence` joined by commas, how many
--       replicas have a claim before it is acted on (absent = 0).
-- Returns: {verdicts in order, 1 when it is to drain, the name of the data}; a verdict = {"ok"} | {"cancel", grace ms or nil} | {"lost"}
-- Crash points: atomic. A lease is only extended after its fence was checked; extending twice does no harm.

local function verdict_of(base, now, ttl, id, fence)
  local job = K.job(base, id)
  local seen = redis.call('HMGET', job, 'state', 'fence')
  if seen[1] ~= 'running' or seen[2] ~= fence then return { 'lost' } end
  redis.call('ZADD', K.leases(base), whole(now + ttl), id)
  redis.call('HSET', job, 'lease', whole(now + ttl))
  local ask = asked(base, id)
  if not ask then return { 'ok' } end
  redis.call('HSETNX', job, 'cancel_requested_at', whole(now))
  if ask.reason then redis.call('HSETNX', job, 'cancel_reason', ask.reason) end
  return { 'cancel', ask.grace_ms or false }
end

local function show(base, now, worker, presence, tasks)
  local key = K.worker(base, worker)
  redis.call('HSET', key, 'presence', presence, 'seen_at', whole(now))
  redis.call('PEXPIRE', key, PRESENCE_MS)
  redis.call('ZADD', K.workers(base), whole(now), worker)
  for task in string.gmatch(tasks, '[^,]+') do
    local serving = K.serving(base, task)
    redis.call('ZADD', serving, whole(now), worker)
    redis.call('ZREMRANGEBYSCORE', serving, '-inf', whole(now - 6 * PRESENCE_MS))
    redis.call('PEXPIRE', serving, 6 * PRESENCE_MS)
  end
end

local function heartbeat(keys, args)
  local base = base_of(keys)
  local worker, ttl = text_of(args, 1), number_of(args, 2)
  if not worker or not ttl then error({ err = 'ERR worker and ttl are needed' }) end
  local now = clock()
  local verdicts = {}
  for id, fence in string.gmatch(args[5] or '', '([^,/]+)/([^,/]+)') do
    verdicts[#verdicts + 1] = verdict_of(base, now, ttl, id, fence)
  end
  show(base, now, worker, args[3] or '{}', args[4] or '')
  local replicas = whole(number_of(args, 6) or 0)
  local known = redis.call('HMGET', K.sweep(base), 'ttl', 'wait_replicas')
  if (tonumber(known[1] or 0) or 0) < ttl then redis.call('HSET', K.sweep(base), 'ttl', whole(ttl)) end
  if (known[2] or '0') ~= replicas then redis.call('HSET', K.sweep(base), 'wait_replicas', replicas) end
  sweep(base, now)
  local drain = redis.call('HEXISTS', K.worker(base, worker), 'drain')
  return { verdicts, drain, born(base, now) }
end

redis.register_function{ function_name = 'dayfly_heartbeat', callback = heartbeat, flags = { 'allow-oom' } }
