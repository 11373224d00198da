-- dayfly_job: all that a job's page shows, in one reading.
-- KEYS: the base.  ARGV: id.
-- Returns: nil, or {fields of the record, input or nil, result or nil, attempts, jobs ahead or nil, live workers,
--          1 when a cancel key waits to be settled, 1 when it is parked}
-- Crash points: writes nothing.

local function job(keys, args)
  local base = base_of(keys)
  local id = args[1]
  if not id then error({ err = 'ERR the id is needed' }) end
  local fields = redis.call('HGETALL', K.job(base, id))
  local record = {}
  for at = 1, #fields, 2 do record[fields[at]] = fields[at + 1] end
  if not record.state or not record.task then return false end
  local ahead = record.state == 'queued' and redis.call('ZRANK', K.queue(base, record.task), id)
  local live = redis.call('ZCOUNT', K.serving(base, record.task), '(' .. whole(clock() - PRESENCE_MS), '+inf')
  local unsettled = waiting(record) and redis.call('EXISTS', K.cancel(base, id)) or 0
  return {
    fields, redis.call('GET', K.job_input(base, id)), redis.call('GET', K.job_result(base, id)),
    redis.call('LRANGE', K.job_attempts(base, id), 0, -1), ahead, live, unsettled,
    (tonumber(ahead and redis.call('ZSCORE', K.queue(base, record.task), id) or 0)) >= PARKED and 1 or 0,
  }
end

redis.register_function{ function_name = 'dayfly_job', callback = job, flags = { 'no-writes' } }
