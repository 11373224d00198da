-- dayfly_register: publishes a worker's catalogue. Workers call it when they start and now and then.
-- KEYS: the base.  ARGV: name, definition JSON, name, definition JSON, ..  Returns: how many definitions changed.
-- The definition first seen last wins while a rolling deploy has two; one not seen for 90 s is forgotten, so that going back to
-- it wins again.
-- Crash points: atomic. A definition is noted before it becomes the task's; repeated it only renews the time it was seen.

local FORGOTTEN = 90000

-- The definitions of a task that are about: digest -> {first, last} ms.
local function about(base, now, task)
  local known = redis.call('HGETALL', K.definitions(base, task))
  local seen = {}
  for at = 1, #known, 2 do
    local first, last = string.match(known[at + 1], '(%d+)-(%d+)')
    if not last or now - tonumber(last) > FORGOTTEN then
      redis.call('HDEL', K.definitions(base, task), known[at])
    else
      seen[known[at]] = tonumber(first)
    end
  end
  return seen
end

local function register(keys, args)
  local base = base_of(keys)
  if #args % 2 ~= 0 then error({ err = 'ERR names and definitions come in pairs' }) end
  local now, changed = clock(), 0
  for at = 1, #args, 2 do
    local task, definition = args[at], args[at + 1]
    local digest = redis.sha1hex(definition)
    local seen = about(base, now, task)
    local first, newest = seen[digest], true
    for _, other in pairs(seen) do
      if first and other > first then newest = false end
    end
    redis.call('HSET', K.definitions(base, task), digest, whole(first or now) .. '-' .. whole(now))
    if newest and redis.call('HGET', K.tasks(base), task) ~= definition then
      redis.call('HSET', K.tasks(base), task, definition)
      changed = changed + 1
    end
  end
  return changed
end

redis.register_function{ function_name = 'dayfly_register', callback = register, flags = { 'allow-oom' } }
