-- dayfly_pause: stops the claiming of a task's jobs; running ones go on. `SADD paused TASK` by hand does the same.
-- KEYS: the base.  ARGV: task.  Returns: 1, or 0 when it was paused already.
-- Crash points: atomic; the name in `paused` is the truth, the wake token only a hint, removed last.

local function pause(keys, args)
  local base = base_of(keys)
  if not text_of(args, 1) then error({ err = 'ERR the task is needed' }) end
  local added = redis.call('SADD', K.paused(base), args[1])
  redis.call('DEL', K.wake(base, args[1]))
  return added
end

redis.register_function{ function_name = 'dayfly_pause', callback = pause, flags = { 'allow-oom' } }
