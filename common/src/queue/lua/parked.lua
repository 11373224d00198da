-- Jobs of an owner that must not run yet, because as many of theirs run as may (`max_running` of `quotas`).
--
-- Such a job keeps its place in its queue, only further back: its score is raised by PARKED, so that it stands behind every job
-- that may be given and holds up none, while counts, lists and positions know it as before. `parked:<owner>` holds it too, by
-- the score that it had. One comes back for each job of the owner that leaves `running`; the sweep brings back what has
-- room besides: after a bound was raised or taken away, and where nobody takes those that came back first.

local PARKED = 1e14 -- beyond every priority: 9 x PRIORITY_STEP and any time
local PARKED_A_SWEEP = 500

-- Most jobs of an owner that may run; nil: any number. A quota that cannot be read must not stop other owners' jobs too.
local function max_running(base, owner)
  local read_well, quota = pcall(quota_of, base, owner)
  return read_well and quota and tonumber(quota.max_running) or nil
end

local function owner_running(base, owner)
  return tonumber(redis.call('HGET', K.owners(base), owner .. ':running') or 0) or 0
end

-- Whether no job of the record's owner may start now.
local function at_bound(base, record)
  local most = record.owner and max_running(base, record.owner)
  return most and owner_running(base, record.owner) >= most
end

local function park(base, record)
  local queue = K.queue(base, record.task)
  local score = tonumber(redis.call('ZSCORE', queue, record.id))
  redis.call('ZADD', K.parked(base, record.owner), whole(score), record.id)
  redis.call('SADD', K.parked_owners(base), record.owner)
  redis.call('ZADD', queue, whole(score + PARKED), record.id)
end

-- The note that a job is parked; its place in the queue is the caller's.
function unpark(base, record)
  if not record.owner or redis.call('ZREM', K.parked(base, record.owner), record.id) == 0 then return end
  if redis.call('EXISTS', K.parked(base, record.owner)) == 0 then redis.call('SREM', K.parked_owners(base), record.owner) end
end

-- Brings the most urgent parked jobs of an owner back, at most `most`, when another one may run.
function let_in(base, owner, most)
  local parked = K.parked(base, owner)
  if redis.call('EXISTS', parked) == 0 then return redis.call('SREM', K.parked_owners(base), owner) end
  local bound = max_running(base, owner)
  if bound and owner_running(base, owner) >= bound then return end
  for _, id in ipairs(redis.call('ZRANGE', parked, 0, most - 1)) do
    local record = read(base, id)
    if record and record.state == 'queued' and record.owner == owner then
      enqueue(base, record)
      unpark(base, record)
    else
      redis.call('ZREM', parked, id)
    end
  end
end

-- A place that the job at the front does not take, for want of a worker say, is another one's.
local function let_all_in(base)
  for _, owner in ipairs(redis.call('SMEMBERS', K.parked_owners(base))) do let_in(base, owner, PARKED_A_SWEEP) end
end

-- Whether a queue holds a job that may be given.
local function claimable(base, task)
  local head = redis.call('ZRANGE', K.queue(base, task), 0, 0, 'WITHSCORES')
  return head[2] ~= nil and tonumber(head[2]) < PARKED
end
