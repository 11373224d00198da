-- dayfly_delete: forgets an ended job: record, input, result, log, attempts and its name in the index. Totals in `counts` stay:
-- they tell of jobs that were, as they do when a retention is over.
-- KEYS: the base.  ARGV: id.  Returns: {"done"} | {"live", state} it has not ended | {"unknown"}
-- What is left is a tombstone with its fingerprint, so that its id makes no other job: for the rest of the 24 hours that a client
-- may bring the id again, and at least a minute, for a submission that is still under way.
-- Crash points: atomic. The state is checked first; the tombstone is written before anything goes, the record goes last. Sent
-- again, the tombstone answers "done".

local function delete(keys, args)
  local base = base_of(keys)
  local id = args[1]
  if not id then error({ err = 'ERR the id is needed' }) end
  local record = read(base, id)
  if not record then return { redis.call('EXISTS', K.deleted(base, id)) == 1 and 'done' or 'unknown' } end
  if waiting(record) or record.state == 'running' then return { 'live', record.state } end
  local kept = KEEP_LEAST
  if record.fingerprint then
    local now = clock()
    local finished_at = tonumber(redis.call('HGET', K.job(base, id), 'finished_at') or nil) or now
    kept = math.max(kept, finished_at + KEEP_REPEATABLE - now)
  end
  redis.call('SET', K.deleted(base, id), record.fingerprint or '', 'PX', whole(kept))
  redis.call('DEL', K.job_input(base, id), K.job_result(base, id), K.job_more(base, id), K.job_log(base, id),
    K.job_attempts(base, id), K.cancel(base, id))
  redis.call('ZREM', K.finished(base, record.state), id)
  redis.call('DEL', K.job(base, id))
  return { 'done' }
end

redis.register_function{ function_name = 'dayfly_delete', callback = delete, flags = { 'allow-oom' } }
