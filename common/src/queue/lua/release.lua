-- dayfly_release: gives claims back of which nothing ran: queued again, free, in their old place.
-- KEYS: the base.  ARGV: worker, nonces joined by commas.  Returns: how many jobs were given back.
-- Crash points: atomic. Each nonce is first marked as released (for ten minutes), so that a claim still on its way can never
-- take a job with it; then the job goes back, its held entry and lease last. Sent again, it finds nothing held.

local REMEMBERED = 600000

local function release(keys, args)
  local base = base_of(keys)
  local worker = text_of(args, 1)
  if not worker then error({ err = 'ERR the worker is needed' }) end
  local now, given_back = clock(), 0
  for nonce in string.gmatch(args[2] or '', '%x+') do
    redis.call('SET', K.released(base, nonce), '1', 'PX', REMEMBERED)
    local id = redis.call('HGET', K.held(base, worker), nonce)
    local record = id and read(base, id)
    if record and record.state == 'running' and record.fence == (record.attempt or '') .. '-' .. nonce then
      local ask = asked(base, id)
      if ask then
        conclude_cancelled(base, now, record, ask)
      else
        local expires_at = record.expires_at
        requeue(base, record, true)
        -- It has not started, so its expiry still holds; unless an earlier attempt ran.
        if expires_at and redis.call('EXISTS', K.job_attempts(base, id)) == 0 then
          redis.call('ZADD', K.expiring(base), expires_at, id)
        end
      end
      given_back = given_back + 1
    end
    redis.call('HDEL', K.held(base, worker), nonce)
  end
  return given_back
end

redis.register_function{ function_name = 'dayfly_release', callback = release, flags = { 'allow-oom' } }
