-- dayfly_submit: stores a job and puts it in its task's queue (or among the delayed), once.
-- KEYS: the base.
-- ARGV: id, task, input, priority (0..9), delay ms, timeout ms, expires ms, retries, retention ms, max_queued,
--       fingerprint, traceparent, owner, labels JSON, unique key, retry_of. Empty text = absent; what follows `input` may be left out.
-- Returns: {"created", state, created_at} | {"exists"} | {"conflict"} | {"not_unique", the live job that holds the unique key} |
--          {"full", waiting} | {"owner_full", waiting, most} | {"limited", ms to wait} | {"deleted"} it existed
-- Crash points: atomic. All checks come before the first write: another job holds the unique key, the id is known or was deleted,
-- max_queued, the owner's quota. The unique key is written before the record, without which it holds nothing. Record and input are written before
-- the index that makes them visible; the wake token, a hint, comes with it. Sent again, the second call finds the record.
-- The only function without allow-oom: a full server takes no new job, and says so before anything is written.

local function submit(keys, args)
  local base = base_of(keys)
  local id, task, input = args[1], args[2], args[3]
  if not id or not task or not input then error({ err = 'ERR id, task and input are needed' }) end
  local priority = number_of(args, 4) or 5
  if priority > 9 then error({ err = 'ERR priority must be 0 to 9' }) end
  local delay = number_of(args, 5) or 0
  local timeout, expires = number_of(args, 6), number_of(args, 7)
  local retries, retention, max_queued = number_of(args, 8), number_of(args, 9), number_of(args, 10)
  local fingerprint, trace = text_of(args, 11), text_of(args, 12)
  local owner, labels, unique, retry_of = text_of(args, 13), text_of(args, 14), text_of(args, 15), text_of(args, 16)

  local job = K.job(base, id)
  -- A repetition of the holder's own request is known by its id.
  local held = unique and K.unique(base, owner or '', unique)
  local holder = held and unique_holder(base, held)
  if holder and holder ~= id then return { 'not_unique', holder } end
  local known = redis.call('HMGET', job, 'state', 'fingerprint', 'owner')
  if known[1] then
    if (known[2] or nil) == fingerprint and (known[3] or nil) == owner then return { 'exists' } end
    return { 'conflict' }
  end
  local tombstone = redis.call('GET', K.deleted(base, id))
  if tombstone then return { tombstone == (fingerprint or '') and 'deleted' or 'conflict' } end
  if max_queued then
    local counted = redis.call('HMGET', K.counts(base), task .. ':queued', task .. ':scheduled')
    local now_waiting = (tonumber(counted[1] or 0) or 0) + (tonumber(counted[2] or 0) or 0)
    if now_waiting >= max_queued then return { 'full', now_waiting } end
  end

  local quota, wait, even, even_ms = quota_of(base, owner), nil, nil, nil
  if quota then
    local most = tonumber(quota.max_queued)
    local there = most and owner_waiting(base, owner)
    if most and there >= most then return { 'owner_full', there, whole(most) } end
    wait, even, even_ms = rate_limited(base, owner, quota)
    if wait then return { 'limited', wait } end
  end

  local now = clock()
  local state = delay > 0 and 'scheduled' or 'queued'
  local record = { id = id, task = task, priority = whole(priority), created_at = whole(now), owner = owner }
  local fields = { 'state', state, 'task', task, 'created_at', record.created_at }
  local function keep(name, value)
    if not value then return end
    fields[#fields + 1] = name
    fields[#fields + 1] = type(value) == 'number' and whole(value) or value
  end
  if priority ~= 5 then keep('priority', priority) end
  if delay > 0 then
    record.ready_at = whole(now + delay)
    keep('ready_at', record.ready_at)
  end
  keep('timeout_ms', timeout)
  keep('expires_at', expires and now + expires)
  keep('retries', retries)
  keep('retention_ms', retention)
  keep('fingerprint', fingerprint)
  keep('trace', trace)
  keep('owner', owner)
  keep('labels', labels)
  keep('unique', unique)
  keep('retry_of', retry_of)

  if even then redis.call('SET', K.rate(base, owner), string.format('%.0f', even), 'PX', whole(even_ms)) end
  if held then redis.call('SET', held, id) end
  redis.call('SET', K.job_input(base, id), input)
  redis.call('HSET', job, unpack(fields))
  if expires then redis.call('ZADD', K.expiring(base), whole(now + expires), id) end
  if delay > 0 then
    redis.call('ZADD', K.delayed(base), record.ready_at, id)
  else
    enqueue(base, record)
  end
  moved(base, record, state)
  return { 'created', state, record.created_at }
end

redis.register_function{ function_name = 'dayfly_submit', callback = submit }
