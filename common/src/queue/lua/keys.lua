-- Every key, as a function of the base (`dayfly:{0}:`, what KEYS[1] brings). The twin of `common/src/keys.rs`: a test
-- holds the two together. No other file puts a key together.

local K = {}

-- A colon is written %3A, so that no two pairs of an owner and a unique key share a key.
local function without_colon(owner)
  return (string.gsub(owner, '[%%:]', { ['%'] = '%25', [':'] = '%3A' }))
end

function K.job(base, id) return base .. 'job:' .. id end
function K.job_input(base, id) return base .. 'job:' .. id .. ':input' end
function K.job_result(base, id) return base .. 'job:' .. id .. ':result' end
function K.job_more(base, id) return base .. 'job:' .. id .. ':more' end
function K.job_log(base, id) return base .. 'job:' .. id .. ':log' end
function K.job_attempts(base, id) return base .. 'job:' .. id .. ':attempts' end
function K.cancel(base, id) return base .. 'cancel:' .. id end
function K.deleted(base, id) return base .. 'deleted:' .. id end
function K.unique(base, owner, key) return base .. 'unique:' .. without_colon(owner) .. ':' .. key end

function K.queue(base, task) return base .. 'queue:' .. task end
function K.wake(base, task) return base .. 'wake:' .. task end
function K.serving(base, task) return base .. 'serving:' .. task end
function K.definitions(base, task) return base .. 'definitions:' .. task end
function K.times(base, task) return base .. 'times:' .. task end
function K.finished(base, state) return base .. 'finished:' .. state end

function K.held(base, worker) return base .. 'held:' .. worker end
function K.worker(base, worker) return base .. 'worker:' .. worker end
function K.released(base, nonce) return base .. 'released:' .. nonce end

function K.session(base, id) return base .. 'session:' .. id end
function K.quotas(base) return base .. 'quotas' end
function K.owners(base) return base .. 'owners' end
function K.parked(base, owner) return base .. 'parked:' .. owner end
function K.rate(base, owner) return base .. 'rate:' .. owner end

function K.queues(base) return base .. 'queues' end
function K.delayed(base) return base .. 'delayed' end
function K.expiring(base) return base .. 'expiring' end
function K.leases(base) return base .. 'leases' end
function K.parked_owners(base) return base .. 'parked' end
function K.paused(base) return base .. 'paused' end
function K.counts(base) return base .. 'counts' end
function K.minutes(base) return base .. 'minutes' end
function K.failures(base) return base .. 'failures' end
function K.events(base) return base .. 'events' end
function K.tasks(base) return base .. 'tasks' end
function K.workers(base) return base .. 'workers' end
function K.sweep(base) return base .. 'sweep' end
function K.sync(base) return base .. 'sync' end
function K.cancel_channel(base) return base .. 'cancel' end
