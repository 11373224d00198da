-- dayfly_resume: lets the claiming of a task's jobs go on. `SREM paused TASK` by hand does the same, within a second.
-- KEYS: the base.  ARGV: task.  Returns: 1, or 0 when it was not paused.
-- Crash points: atomic; the token comes after the name is gone, and the next sweep would bring it too.

local function resume(keys, args)
  local base = base_of(keys)
  local task = text_of(args, 1)
  if not task then error({ err = 'ERR the task is needed' }) end
  local removed = redis.call('SREM', K.paused(base), task)
  if claimable(base, task) then arm(base, task) end
  return removed
end

redis.register_function{ function_name = 'dayfly_resume', callback = resume, flags = { 'allow-oom' } }
