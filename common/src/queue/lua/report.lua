-- dayfly_report: what a running attempt says: its pid, progress, log lines.
-- KEYS: the base.
-- ARGV: id, fence, pid, progress JSON, most log lines kept, then stream, at, text of each line. Empty text = absent.
-- Returns: 1, or 0 when the attempt is no longer the caller's (nothing is written).
-- Crash points: atomic; the fence is checked before the first write. Sent again it may double log lines, nothing else.

local HINT_MS = 190 -- at most five hints a second and job

local function report(keys, args)
  local base = base_of(keys)
  local id, fence, pid, progress, kept = args[1], args[2], text_of(args, 3), text_of(args, 4), number_of(args, 5)
  local job = K.job(base, id)
  local seen = redis.call('HMGET', job, 'state', 'fence', 'task', 'hinted_at')
  if seen[1] ~= 'running' or not fence or seen[2] ~= fence then return 0 end
  if pid then redis.call('HSET', job, 'pid', pid) end
  if progress then redis.call('HSET', job, 'progress', progress) end
  for at = 6, #args - 2, 3 do
    redis.call('XADD', K.job_log(base, id), 'MAXLEN', '~', kept or 50000, '*',
      'stream', args[at], 'line', args[at + 2], 'at', args[at + 1])
  end
  local now = clock()
  if (progress or #args > 5) and now - (tonumber(seen[4] or 0) or 0) >= HINT_MS then
    redis.call('HSET', job, 'hinted_at', whole(now))
    redis.call('XADD', K.events(base), 'MAXLEN', '~', EVENTS_KEPT, '*', 'id', id, 'task', seen[3])
  end
  return 1
end

redis.register_function{ function_name = 'dayfly_report', callback = report, flags = { 'allow-oom' } }
