-- What only one live job of an owner may hold (the option `unique`): a key that names its holder. The holder's record is the
-- truth: a key whose job is gone, has ended or says otherwise holds nothing, so one left behind by a hand or by lost data
-- bars nobody. Every end of a job goes through `conclude`, which gives back what it held.

-- The key that a job holds by its record, or nil.
local function unique_of(base, id)
  local said = redis.call('HMGET', K.job(base, id), 'state', 'owner', 'unique')
  return said[1] and LIVE[said[1]] and said[3] and K.unique(base, said[2] or '', said[3]) or nil
end

-- The live job that a key names, or nil.
local function unique_holder(base, key)
  local id = redis.pcall('GET', key)
  return type(id) == 'string' and unique_of(base, id) == key and id or nil
end

-- For a record as `read` gives it.
local function unique_give_back(base, record)
  if not record.unique then return end
  local key = K.unique(base, record.owner or '', record.unique)
  if redis.pcall('GET', key) == record.id then redis.call('DEL', key) end
end
