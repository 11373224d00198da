-- dayfly_retry: an ended job once more, as a new one: same task, input, options, labels and owner.
-- By hand: FCALL dayfly_retry 1 'dayfly:{0}:' ID NEW
-- KEYS: the base.
-- ARGV: id, the new job's id, max_queued, fingerprint, traceparent. Empty text = absent; what follows the new id may be left out.
-- Returns: as dayfly_submit; or {"wrong", state} it has not ended | {"trimmed"} its input is gone | {"unknown"}
-- Crash points: atomic. All checks come before the first write, and the writes are those of dayfly_submit. Sent again, the new
-- id is known and says so before the first job is looked at, which may have been deleted since.
-- Without allow-oom, as dayfly_submit: a full server takes no new job.

local function retry(keys, args)
  local base = base_of(keys)
  local id, new = args[1], args[2]
  if not id or not new then error({ err = "ERR the id and the new job's id are needed" }) end
  local known = redis.call('HMGET', K.job(base, new), 'state', 'retry_of')
  if known[1] then return { known[2] == id and 'exists' or 'conflict' } end
  local record = read(base, id)
  if not record then return { 'unknown' } end
  if waiting(record) or record.state == 'running' then return { 'wrong', record.state } end
  local input = redis.call('GET', K.job_input(base, id))
  if not input then return { 'trimmed' } end
  local more = redis.call('HMGET', K.job(base, id), 'owner', 'labels', 'unique')
  -- It must have started within the same time as before, counted from now.
  local expires_at, expires = tonumber(record.expires_at), ''
  if expires_at then expires = whole(math.max(1, expires_at - tonumber(record.created_at))) end
  return submit(keys, {
    new, record.task, input, record.priority or '', '', record.timeout_ms or '', expires, record.retries or '',
    record.retention_ms or '', args[3] or '', args[4] or '', args[5] or '', more[1] or '', more[2] or '', more[3] or '', id,
  })
end

redis.register_function{ function_name = 'dayfly_retry', callback = retry }
