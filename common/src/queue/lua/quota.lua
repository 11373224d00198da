-- What owners may have, and what they have. `quotas` holds one JSON an owner, each part of it optional:
-- {"rate":10,"per_ms":1000,"burst":10,"max_queued":100,"max_running":4}. `owners` counts the jobs of each owner that have not ended; every
-- move of a job keeps it.

local LIVE = { queued = true, scheduled = true, running = true }

-- Counts a job of an owner in or out of a state.
local function owned(base, owner, state, by)
  if not owner or not LIVE[state] then return end
  local field = owner .. ':' .. state
  if redis.call('HINCRBY', K.owners(base), field, by) <= 0 then redis.call('HDEL', K.owners(base), field) end
end

local function quota_of(base, owner)
  local stored = owner and redis.call('HGET', K.quotas(base), owner)
  if not stored then return nil end
  local read_well, quota = pcall(cjson.decode, stored)
  if not read_well or type(quota) ~= 'table' then
    error({ err = 'ERR the quota of ' .. owner .. ' cannot be read: it must be a JSON object' })
  end
  return quota
end

-- Jobs of an owner that wait.
local function owner_waiting(base, owner)
  local counted = redis.call('HMGET', K.owners(base), owner .. ':queued', owner .. ':scheduled')
  return (tonumber(counted[1] or 0) or 0) + (tonumber(counted[2] or 0) or 0)
end

-- The generic cell rate algorithm: `rate:<owner>` holds the time, microseconds, at which all jobs taken so far would have
-- come if they had come evenly. A job is due when that is no more than a burst ahead. Returns ms to wait, or nil and what to
-- store for how many ms.
local function rate_limited(base, owner, quota)
  local rate, per_ms, burst = tonumber(quota.rate), tonumber(quota.per_ms), tonumber(quota.burst)
  if not rate or rate <= 0 or not per_ms or per_ms <= 0 then return nil end
  local time = redis.call('TIME')
  local now = tonumber(time[1]) * 1e6 + tonumber(time[2])
  local apart = per_ms * 1000 / rate
  local window = apart * math.max(burst or rate, 1)
  local even = math.max(tonumber(redis.call('GET', K.rate(base, owner)) or 0) or 0, now)
  -- Never further ahead than a whole burst: the clock was set back, or the quota was another one.
  if even > now + window + 1 then even = now end
  local early = even + apart - window - now
  if early >= 1 then return math.ceil(early / 1000) end
  return nil, even + apart, math.ceil((even + apart - now) / 1000) + 1
end
