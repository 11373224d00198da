-- Time's own moves: delayed jobs whose time has come are queued, expired ones fail. Shared by claim and sweep, so that
-- a delay ends on time even between two sweeps.

-- Ms until the next of them (0: it is due), or nil.
local function next_due(base, now)
  local soonest
  for _, key in ipairs({ K.delayed(base), K.expiring(base) }) do
    local at = tonumber(redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2])
    if at and (not soonest or at < soonest) then soonest = at end
  end
  return soonest and math.max(0, soonest - now)
end

-- Settles at most `limit` of each; true when there may be more.
local function settle_due(base, now, limit)
  local due = redis.call('ZRANGEBYSCORE', K.delayed(base), '-inf', whole(now), 'LIMIT', 0, limit)
  for _, id in ipairs(due) do
    local record = read(base, id)
    if not record or record.state ~= 'scheduled' then
      redis.call('ZREM', K.delayed(base), id)
    else
      local ask = asked(base, id)
      if ask then
        conclude_cancelled(base, now, record, ask)
      else
        redis.call('HSET', K.job(base, id), 'state', 'queued')
        enqueue(base, record)
        moved(base, record, 'queued')
        redis.call('ZREM', K.delayed(base), id)
      end
    end
  end
  local expired = redis.call('ZRANGEBYSCORE', K.expiring(base), '-inf', whole(now), 'LIMIT', 0, limit)
  for _, id in ipairs(expired) do
    local record = read(base, id)
    if not record or not waiting(record) then
      redis.call('ZREM', K.expiring(base), id)
    else
      local ask = asked(base, id)
      if ask then conclude_cancelled(base, now, record, ask) else conclude_expired(base, now, record) end
    end
  end
  return #due == limit or #expired == limit
end
