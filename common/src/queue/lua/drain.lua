-- dayfly_drain: asks a worker to take no further job, to let what it runs end, and to leave: as SIGTERM does.
-- KEYS: the base.  ARGV: worker.  Returns: 1, or 0 when no such worker is there.
-- Crash points: atomic; one write, into its presence, of which its next heartbeat tells it. Sent again it changes nothing.

local function drain(keys, args)
  local base = base_of(keys)
  local worker = text_of(args, 1)
  if not worker then error({ err = 'ERR the worker is needed' }) end
  if redis.call('HEXISTS', K.worker(base, worker), 'presence') == 0 then return 0 end
  redis.call('HSET', K.worker(base, worker), 'drain', '1')
  return 1
end

redis.register_function{ function_name = 'dayfly_drain', callback = drain, flags = { 'allow-oom' } }
