-- dayfly_sweep: the periodic repair that any process may run. Also run by heartbeats.
-- KEYS: the base.  ARGV: none.  Returns: {1, or 0 when another sweep ran within the last second; the name of the data}
-- Bounded: 500 expired leases, 500 due and 500 expired jobs, 500 parked ones an owner, 2,000 trimmed entries a state.
-- Crash points: atomic. Each job's move is complete by itself (attempt noted, new index, then lease and held), so a sweep cut
-- short leaves the rest to the next one.

local LEASES_A_SWEEP = 500
local DUE_A_SWEEP = 500
local TRIM_STEP = 100
local TRIM_STEPS = 20

-- Whether expired leases are to be left for now (see server.lua). `last`: the time of the last sweep.
local function hold(base, now, last)
  local clock_of = read_clock(base)
  note_server(base, now, clock_of)
  local ttl, gap = clock_of.ttl, last and now - last
  local until_ms = clock_of.hold_until
  if gap and (gap < 0 or gap > math.max(3000, 1000 + ttl / 10)) then until_ms = now + ttl end
  until_ms = math.min(until_ms, now + ttl)
  redis.call('HSET', K.sweep(base), 'hold_until', whole(until_ms))
  -- A lease further ahead than any worker may have asked for was given by a clock that has since gone back.
  local ahead = redis.call('ZRANGEBYSCORE', K.leases(base), '(' .. whole(now + 2 * ttl), '+inf', 'LIMIT', 0, LEASES_A_SWEEP)
  for _, id in ipairs(ahead) do
    redis.call('ZADD', K.leases(base), 'XX', whole(now + ttl), id)
    redis.call('HSET', K.job(base, id), 'lease', whole(now + ttl))
  end
  return now < until_ms
end

-- Removes index entries whose record has gone: from the oldest on while they are gone, then one step further round the index
-- (retention differs from job to job).
local function trim(base, state, at)
  local index = K.finished(base, state)
  local function gone_of(from)
    local ids = redis.call('ZRANGE', index, from, from + TRIM_STEP - 1)
    local gone = {}
    for _, id in ipairs(ids) do
      if redis.call('EXISTS', K.job(base, id)) == 0 then gone[#gone + 1] = id end
    end
    if #gone > 0 then redis.call('ZREM', index, unpack(gone)) end
    return #gone, #ids
  end
  for _ = 1, TRIM_STEPS do
    local gone, seen = gone_of(0)
    if gone < seen or seen == 0 then break end
  end
  local gone, seen = gone_of(at)
  return seen < TRIM_STEP and 0 or at + seen - gone
end

local function sweep(base, now)
  local seen = redis.call('HMGET', K.sweep(base), 'last', 'trim', 'minute')
  local last = tonumber(seen[1] or nil)
  if last and now >= last and now - last < 1000 then return 0 end
  redis.call('HSET', K.sweep(base), 'last', whole(now))

  if not hold(base, now, last) then
    local over = redis.call('ZRANGEBYSCORE', K.leases(base), '-inf', whole(now), 'LIMIT', 0, LEASES_A_SWEEP)
    local expired = 0
    for _, id in ipairs(over) do
      local record = read(base, id)
      if record and record.state == 'running' then
        lose(base, now, record, 'its worker stopped renewing the lease', true)
        expired = expired + 1
      else
        redis.call('ZREM', K.leases(base), id)
      end
    end
    if expired > 0 then redis.call('HINCRBY', K.sweep(base), 'leases_expired', expired) end
  end
  settle_due(base, now, DUE_A_SWEEP)
  let_all_in(base)
  for _, task in ipairs(redis.call('SMEMBERS', K.queues(base))) do
    if claimable(base, task) then
      arm(base, task)
    elseif redis.call('EXISTS', K.queue(base, task)) == 0 then
      redis.call('SREM', K.queues(base), task)
    end
  end
  local at = tonumber(seen[2] or 0) or 0
  local furthest = 0
  for _, state in ipairs({ 'succeeded', 'failed', 'cancelled' }) do
    furthest = math.max(furthest, trim(base, state, at))
  end
  redis.call('HSET', K.sweep(base), 'trim', whole(furthest))
  redis.call('ZREMRANGEBYSCORE', K.workers(base), '-inf', whole(now - 6 * PRESENCE_MS))
  note_minute(base, now, tonumber(seen[3] or nil))
  return 1
end

redis.register_function{
  function_name = 'dayfly_sweep',
  callback = function(keys)
    local base, now = base_of(keys), clock()
    return { sweep(base, now), born(base, now) }
  end,
  flags = { 'allow-oom' },
}
