-- dayfly_cancel: asks for the end of a job. By hand: FCALL dayfly_cancel 1 'dayfly:{0}:' ID
-- KEYS: the base.  ARGV: id, reason, grace ms (both may be left out).
-- Returns: {"now"} it waited and is cancelled | {"asked"} it runs, its worker is told | {"ended", state} | {"unknown"}
-- Crash points: atomic. Waiting: as every conclusion, index last. Running: the cancel key, the truth, is written before the
-- record's note and before the publish, which is a hint. Sent again it changes nothing but may shorten the grace.

local function cancel(keys, args)
  local base = base_of(keys)
  local id, reason, grace = args[1], text_of(args, 2), number_of(args, 3)
  if not id then error({ err = 'ERR the id is needed' }) end
  local record = read(base, id)
  if not record then return { 'unknown' } end
  local ask = asked(base, id) or {}
  if reason then ask.reason = string.sub(reason, 1, 500) end
  if grace then ask.grace_ms = math.min(grace, ask.grace_ms or grace) end
  local now = clock()
  if waiting(record) then
    conclude_cancelled(base, now, record, ask)
    return { 'now' }
  end
  if record.state ~= 'running' then
    redis.call('DEL', K.cancel(base, id))
    return { 'ended', record.state }
  end
  redis.call('SET', K.cancel(base, id), next(ask) and cjson.encode(ask) or '1')
  redis.call('HSETNX', K.job(base, id), 'cancel_requested_at', whole(now))
  if ask.reason then redis.call('HSET', K.job(base, id), 'cancel_reason', ask.reason) end
  redis.call('PUBLISH', K.cancel_channel(base), id)
  redis.call('XADD', K.events(base), 'MAXLEN', '~', EVENTS_KEPT, '*', 'id', id, 'task', record.task)
  return { 'asked' }
end

redis.register_function{ function_name = 'dayfly_cancel', callback = cancel, flags = { 'allow-oom' } }
