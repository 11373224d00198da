-- dayfly_recover: takes everything back that a worker held, for one that is known to be dead with all its processes.
-- KEYS: the base.  ARGV: worker.  Returns: {how many jobs were taken back, 1 when it held more than one call takes}
-- By hand only when its host is gone for good: jobs that still ran there would run twice until it hears of it.
-- Bounded: 500 claims. Crash points: atomic. Each job's move is complete by itself (attempt noted, new index, then lease and
-- held), its presence goes last; sent again, it goes on with what is left.

local CLAIMS_A_CALL = 500

local function recover(keys, args)
  local base = base_of(keys)
  local worker = text_of(args, 1)
  if not worker then error({ err = 'ERR the worker is needed' }) end
  local now, taken, seen = clock(), 0, 0
  local held = redis.call('HGETALL', K.held(base, worker))
  for at = 1, math.min(#held, 2 * CLAIMS_A_CALL), 2 do
    local nonce, id = held[at], held[at + 1]
    local record = read(base, id)
    if record and record.state == 'running' and record.fence == (record.attempt or '') .. '-' .. nonce then
      lose(base, now, record, 'its worker was killed', true)
      taken = taken + 1
    end
    redis.call('HDEL', K.held(base, worker), nonce)
  end
  if #held > 2 * CLAIMS_A_CALL then return { taken, 1 } end
  redis.call('ZREM', K.workers(base), worker)
  redis.call('DEL', K.worker(base, worker))
  return { taken, 0 }
end

redis.register_function{ function_name = 'dayfly_recover', callback = recover, flags = { 'allow-oom' } }
