-- dayfly_forget: takes a task out of the registry: its definition, totals, run times, and whether it is paused.
-- KEYS: the base.  ARGV: task.
-- Returns: {"done"} | {"served", live workers} | {"holds", jobs that have not ended} | {"unknown"}
-- Ended jobs of it stay, under their ids, until their retention is over.
-- Crash points: atomic. Both checks come before the first write, and the definition goes last. Sent again it finds nothing, and
-- says "unknown".

local function forget(keys, args)
  local base = base_of(keys)
  local task = text_of(args, 1)
  if not task then error({ err = 'ERR the task is needed' }) end
  local live = redis.call('ZCOUNT', K.serving(base, task), '(' .. whole(clock() - PRESENCE_MS), '+inf')
  if live > 0 then return { 'served', live } end
  local holds, totals = redis.call('ZCARD', K.queue(base, task)), {}
  for _, state in ipairs({ 'queued', 'scheduled', 'running', 'succeeded', 'failed', 'cancelled' }) do
    totals[#totals + 1] = task .. ':' .. state
  end
  local counted = redis.call('HMGET', K.counts(base), totals[1], totals[2], totals[3])
  holds = math.max(holds, tonumber(counted[1] or 0) or 0) + (tonumber(counted[2] or 0) or 0) + (tonumber(counted[3] or 0) or 0)
  if holds > 0 then return { 'holds', holds } end
  local gone = redis.call('HDEL', K.counts(base), unpack(totals))
  for _, field in ipairs(redis.call('HKEYS', K.failures(base))) do
    if string.sub(field, 1, #task + 1) == task .. ':' then redis.call('HDEL', K.failures(base), field) end
  end
  redis.call('DEL', K.times(base, task), K.definitions(base, task), K.serving(base, task), K.wake(base, task))
  redis.call('SREM', K.queues(base), task)
  redis.call('SREM', K.paused(base), task)
  gone = gone + redis.call('HDEL', K.tasks(base), task)
  return { gone > 0 and 'done' or 'unknown' }
end

redis.register_function{ function_name = 'dayfly_forget', callback = forget, flags = { 'allow-oom' } }
