-- dayfly_claim: gives a worker as many jobs as it brings nonces.
-- KEYS: the base.
-- ARGV: worker, ttl ms, nonces joined by commas, tasks as JSON [{"name":..,"timeout_ms":..,"lost_retries":..,"memory":..}] in the
--       order in which equal priorities take turns, bytes left. `memory`: bytes a job of the task may take, absent = 0. All
--       claims of the call together stay within the bytes left, absent or empty = no bound: what does not fit waits in its
--       queue and holds up no other task.
-- Returns: {claims, ms until the next due job or nil, 1 when stopped at a bound, bytes that the smallest of the tasks needs whose
--          jobs wait because they do not fit, or nil};
--          a claim = {id, task, fence, input, timeout ms, retries or nil, failures, traceparent or nil, started_at, ready_at}
-- Crash points: atomic; arguments are checked first. A nonce already in held:<worker> gives the same job again, with its lease
-- renewed, so a lost reply is repeated and not doubled; a released nonce gives nothing. Per job: lease and held are written
-- before the record, the queue entry goes last.

local SKIPS = 100 -- heads that are settled or set back instead of given, a call

-- What a worker needs to run a job.
local function described(base, record, timeout, now)
  return { record.id, record.task, record.fence, record.input or redis.call('GET', K.job_input(base, record.id)), whole(timeout),
    record.retries or false, record.failures or '0', record.trace or false, now, record.ready_at or record.created_at or false }
end

-- The same job once more: the reply was lost, nothing of it has run yet.
local function granted_again(base, now, ask, record)
  local timeout = tonumber(record.deadline_at) - tonumber(record.started_at)
  redis.call('ZADD', K.leases(base), whole(now + ask.ttl), record.id)
  redis.call('HSET', K.job(base, record.id), 'started_at', whole(now), 'deadline_at', whole(now + timeout),
    'lease', whole(now + ask.ttl))
  return described(base, record, timeout, now)
end

local function granted(base, now, ask, record, task, nonce)
  local job, timeout = K.job(base, record.id), tonumber(record.timeout_ms) or task.timeout_ms
  local attempt = (tonumber(record.attempt) or 0) + 1
  record.fence = whole(attempt) .. '-' .. nonce
  redis.call('ZADD', K.leases(base), whole(now + ask.ttl), record.id)
  redis.call('HSET', K.held(base, ask.worker), nonce, record.id)
  redis.call('HSET', job, 'state', 'running', 'attempt', whole(attempt), 'fence', record.fence, 'worker', ask.worker,
    'started_at', whole(now), 'deadline_at', whole(now + timeout), 'lease', whole(now + ask.ttl))
  local lost_retries = tonumber(task.lost_retries) or LOST_RETRIES
  if lost_retries ~= LOST_RETRIES then
    redis.call('HSET', job, 'lost_retries', whole(lost_retries))
  elseif record.lost_retries then
    redis.call('HDEL', job, 'lost_retries')
  end
  moved(base, record, 'running')
  leave(base, record, 'queued')
  return described(base, record, timeout, now)
end

-- Settles a head that must not be given, or sets it back; true when it did.
local function skipped(base, now, task, id, record)
  if not record or record.state ~= 'queued' or record.task ~= task then
    if not record then redis.call('HINCRBY', K.counts(base), task .. ':queued', -1) end
    dequeue(base, task, id)
    return true
  end
  if at_bound(base, record) then
    park(base, record)
    return true
  end
  local ask = asked(base, id)
  if ask then
    conclude_cancelled(base, now, record, ask)
    return true
  end
  -- Due ones were settled before, but only so many.
  local expires_at = tonumber(record.expires_at)
  if expires_at and expires_at <= now and redis.call('ZSCORE', K.expiring(base), id) then
    conclude_expired(base, now, record)
    return true
  end
  record.input = redis.call('GET', K.job_input(base, id))
  if not record.input then
    conclude_failed(base, now, record, 'spawn_failed', 'its input is no longer stored')
    return true
  end
  return false
end

-- Whether a job of the task may have its memory. One that needs none always may, even where more is held than there should be.
local function fits(task, left)
  return not left or task.memory == 0 or task.memory <= left
end

-- The task whose head is most urgent of those that fit; equal ones take turns from `first` on.
local function most_urgent(base, tasks, first, left)
  local best, best_id, best_priority
  for step = 0, #tasks - 1 do
    local at = (first - 1 + step) % #tasks + 1
    local head = fits(tasks[at], left) and redis.call('ZRANGE', K.queue(base, tasks[at].name), 0, 0, 'WITHSCORES') or {}
    local score = tonumber(head[2] or PARKED)
    local priority = score < PARKED and math.floor(score / PRIORITY_STEP)
    if priority and (not best or priority < best_priority) then
      best, best_id, best_priority = at, head[1], priority
    end
  end
  return best, best_id
end

local function claim(keys, args)
  local base = base_of(keys)
  local ask = { worker = text_of(args, 1), ttl = number_of(args, 2), tasks = cjson.decode(args[4] or '[]') }
  if not ask.worker or not ask.ttl then error({ err = 'ERR worker and ttl are needed' }) end
  local memory_of, left = {}, number_of(args, 5)
  for _, task in ipairs(ask.tasks) do
    task.memory = task.memory or 0
    if type(task.name) ~= 'string' or type(task.timeout_ms) ~= 'number' then
      error({ err = 'ERR each task needs name and timeout_ms' })
    end
    if type(task.memory) ~= 'number' or task.memory < 0 then error({ err = "ERR a task's memory must be a number of bytes" }) end
    memory_of[task.name] = task.memory
  end

  local now = clock()
  local claims, free = {}, {}
  local function count_in(claim, record)
    claims[#claims + 1] = claim
    left = left and left - (memory_of[record.task] or 0)
  end
  for nonce in string.gmatch(args[3] or '', '%x+') do
    local id = redis.call('HGET', K.held(base, ask.worker), nonce)
    local record = id and read(base, id)
    if record and record.state == 'running' and record.fence == (record.attempt or '') .. '-' .. nonce then
      count_in(granted_again(base, now, ask, record), record)
    elseif redis.call('EXISTS', K.released(base, nonce)) == 0 then
      free[#free + 1] = nonce
    end
  end

  local held_for = claims_held_for(base, now)
  if held_for then return { claims, held_for, 0, false } end
  local due, more = next_due(base, now), false
  if due == 0 then
    more = settle_due(base, now, SKIPS)
    due = next_due(base, now)
  end
  local open = {}
  for _, task in ipairs(ask.tasks) do
    if redis.call('SISMEMBER', K.paused(base), task.name) == 0 then open[#open + 1] = task end
  end
  local taken, skips, turn = 0, 0, 1
  while taken < #free do
    local at, id = most_urgent(base, open, turn, left)
    if not at then break end
    local task = open[at]
    local record = read(base, id)
    if skipped(base, now, task.name, id, record) then
      skips = skips + 1
      if skips >= SKIPS then
        more = true
        break
      end
    else
      taken = taken + 1
      count_in(granted(base, now, ask, record, task, free[taken]), record)
      turn = at % #open + 1
    end
  end
  local short
  for _, task in ipairs(open) do
    local squeezed = not fits(task, left)
    if (taken > 0 or squeezed) and claimable(base, task.name) then
      -- Also where nothing was taken: the token that led here must still wake a worker with more memory.
      arm(base, task.name)
      if squeezed then short = math.min(short or task.memory, task.memory) end
    end
  end
  return { claims, due or false, more and 1 or 0, short or false }
end

redis.register_function{ function_name = 'dayfly_claim', callback = claim, flags = { 'allow-oom' } }
