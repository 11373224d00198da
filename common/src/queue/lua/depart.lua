-- dayfly_depart: takes a worker's presence away: it has shut down and holds nothing.
-- KEYS: the base.  ARGV: worker.  Returns: 1 when it was there.
-- Crash points: atomic; presence is a view, no job depends on it. What it still holds runs into its lease.

local function depart(keys, args)
  local base = base_of(keys)
  local worker = text_of(args, 1)
  if not worker then error({ err = 'ERR the worker is needed' }) end
  local presence = redis.call('HGET', K.worker(base, worker), 'presence')
  local read_well, said = pcall(cjson.decode, presence or '{}')
  if read_well and type(said) == 'table' and type(said.tasks) == 'table' then
    for _, task in ipairs(said.tasks) do redis.call('ZREM', K.serving(base, task), worker) end
  end
  redis.call('ZREM', K.workers(base), worker)
  return redis.call('DEL', K.worker(base, worker))
end

redis.register_function{ function_name = 'dayfly_depart', callback = depart, flags = { 'allow-oom' } }
