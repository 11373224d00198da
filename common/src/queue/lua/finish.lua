-- dayfly_finish: the end of an attempt, written once.
-- KEYS: the base.
-- ARGV: id, fence, outcome (succeeded | failed | cancelled | drained | lost), result, its media type, truncated (0 | 1), error JSON,
--       retryable (0 | 1), usage JSON, killed_by, kill ms, pid, retry delay ms, the task's retries, lost_retries,
--       retention ms. Empty text = absent.
-- Returns: {"done", state} | {"already", state} | {"fenced"}
-- Crash points: atomic. Fence and state are checked before the first write. Result and attempt are written before the record's
-- state, the new index before lease and held go. The record keeps the fence, so the same call again finds "already".

local OUTCOMES = { succeeded = true, failed = true, cancelled = true, drained = true, lost = true }

local TIMES_KEPT = 64 -- and up to as many again, so that it is cut seldom

-- How long it had a slot, for estimates. An end that somebody asked for says nothing of that.
local function note_time(base, now, record)
  local started_at = tonumber(record.started_at)
  if not started_at then return end
  local times = K.times(base, record.task)
  if redis.call('LPUSH', times, whole(math.max(0, now - started_at))) >= 2 * TIMES_KEPT then
    redis.call('LTRIM', times, 0, TIMES_KEPT - 1)
  end
end

local function finish(keys, args)
  local base = base_of(keys)
  local id, fence, outcome = args[1], args[2], args[3]
  local result, media, truncated = args[4] or '', text_of(args, 5), args[6] == '1'
  local problem, retryable, usage = text_of(args, 7), args[8] == '1', text_of(args, 9)
  local killed_by, kill_ms, pid = text_of(args, 10), number_of(args, 11), text_of(args, 12)
  local delay, retries = number_of(args, 13) or 0, number_of(args, 14) or 0
  local lost_retries, retention = number_of(args, 15) or LOST_RETRIES, number_of(args, 16)
  if not OUTCOMES[outcome] then
    error({ err = 'ERR outcome must be succeeded, failed, cancelled, drained or lost' })
  end
  local record = read(base, id)
  if not record or not fence or record.fence ~= fence then return { 'fenced' } end
  if record.state ~= 'running' then return { 'already', record.state } end

  local now = clock()
  local ask = asked(base, id)
  if ask and outcome ~= 'succeeded' then outcome = 'cancelled' end
  local about = ''
  if problem and outcome ~= 'cancelled' then about = about .. ',"error":' .. problem end
  if usage then about = about .. ',"usage":' .. usage end
  if killed_by then about = about .. ',"killed_by":' .. cjson.encode(killed_by) end

  local fields = {}
  local function keep(name, value)
    if not value then return end
    fields[#fields + 1] = name
    fields[#fields + 1] = type(value) == 'number' and whole(value) or value
  end
  keep('usage', usage)
  keep('killed_by', killed_by)
  keep('kill_ms', kill_ms)
  keep('pid', pid)

  if outcome == 'lost' then
    lose(base, now, record, 'its slot died under it', false, about)
    return { 'done', record.state }
  end
  note_attempt(base, now, record, outcome, about)
  if outcome == 'succeeded' or outcome == 'failed' then note_time(base, now, record) end
  if outcome == 'succeeded' then
    redis.call('SET', K.job_result(base, id), result)
    keep('result_type', media)
    keep('result_bytes', #result)
    if truncated then keep('truncated', '1') end
    conclude(base, now, record, 'succeeded', fields, retention)
  elseif outcome == 'cancelled' then
    conclude_cancelled(base, now, record, ask or {}, fields, retention)
  elseif outcome == 'drained' and lost_retries > 0 then
    requeue(base, record, false)
  elseif outcome == 'drained' then
    record.kind = 'lost'
    keep('error', cjson.encode({ kind = 'lost', retryable = false,
      message = 'its worker gave it up and lost_retries is 0: it must not run twice' }))
    conclude(base, now, record, 'failed', fields, retention)
  else
    local failures = (tonumber(record.failures) or 0) + 1
    local job = K.job(base, id)
    if retryable and failures <= (tonumber(record.retries) or retries) then
      local due = whole(now + delay)
      redis.call('HSET', job, 'state', 'scheduled', 'failures', whole(failures), 'ready_at', due)
      redis.call('HDEL', job, 'lease', 'deadline_at', 'started_at', 'pid', 'progress', 'hinted_at')
      redis.call('ZADD', K.delayed(base), due, id)
      moved(base, record, 'scheduled')
      leave(base, record, 'running')
    else
      keep('failures', failures)
      keep('error', problem)
      record.kind = problem and string.match(problem, '"kind":"([%l_]+)"')
      conclude(base, now, record, 'failed', fields, retention)
    end
  end
  return { 'done', record.state }
end

redis.register_function{ function_name = 'dayfly_finish', callback = finish, flags = { 'allow-oom' } }
