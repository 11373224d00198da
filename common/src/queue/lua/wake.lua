-- dayfly_wake: puts a wake token back that came when no slot was free.
-- KEYS: the base.  ARGV: task.  Returns: nothing of use.
-- Crash points: atomic; one write, of a hint. No token when nothing waits, when it is paused, or when one is there.

local function wake(keys, args)
  local base = base_of(keys)
  local task = text_of(args, 1)
  if not task then error({ err = 'ERR the task is needed' }) end
  if claimable(base, task) then arm(base, task) end
  return 0
end

redis.register_function{ function_name = 'dayfly_wake', callback = wake, flags = { 'allow-oom' } }
