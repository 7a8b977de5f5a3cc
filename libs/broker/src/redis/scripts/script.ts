import { createHash } from 'node:crypto';

/** A Lua script, known to the server by its SHA-1 once it is loaded. */
export interface Script {
  readonly source: string;
  readonly sha: string;
}

export function script(source: string): Script {
  return { source, sha: createHash('sha1').update(source).digest('hex') };
}

/**
 * With `allow-oom`, for what has to go on when Redis refuses writes for want of memory: reading, acknowledging, leases.
 * A script without it is refused as a whole then, with the error `OOM`.
 */
export const ALLOW_OOM = '#!lua flags=allow-oom\n';
export const REFUSED_AT_OOM = '#!lua\n';

/**
 * What scripts share: the names of keys (docs/WIRE.md), and parts of more than one. `P` is what the names begin with.
 * Every script is called with it as its only key, so that a server that checks finds the right slot.
 */
export const PRELUDE = `
local P = KEYS[1]
local GROUP, RETURNED = 'agentmq', 'returned'
local BINDINGS, ROUTES, HOLDERS, EXPIRIES = P .. 'bindings', P .. 'routes', P .. 'holders', P .. 'expiries'
local MORTAL, DEAD = P .. 'mortal', 'dead-letter'

local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- The names of an inbox's streams, without P.
local function lanesOf(queue)
  if queue == DEAD then return { DEAD } end
  return { queue .. '.high', queue }
end

local function eachChunk(list, use)
  for from = 1, #list, 1000 do
    use(unpack(list, from, math.min(from + 999, #list)))
  end
end

-- Tells as many waiting consumers of a stream as there are new messages; one that is gone is passed over.
local function wake(lane, count)
  for _ = 1, count do
    local heard = 0
    while heard == 0 do
      local holder = redis.call('SPOP', P .. 'waiting.' .. lane)
      if not holder then return end
      heard = redis.call('PUBLISH', P .. 'wake.' .. string.match(holder, '^[^:]+'), holder)
    end
  end
end

-- How many messages of a stream no consumer holds.
local function ready(lane)
  local size = redis.call('XLEN', P .. lane)
  if size == 0 then return 0 end
  local pending = redis.pcall('XPENDING', P .. lane, GROUP)
  if pending.err then return size end
  size = size - pending[1]
  for _, consumer in ipairs(pending[4] or {}) do
    if consumer[1] == RETURNED then size = size + consumer[2] end
  end
  return math.max(0, size)
end

local function expiresAt(fields)
  for at = 1, #fields, 2 do
    if fields[at] == 'expires' then return tonumber(fields[at + 1]) end
  end
end

-- Moves an expired message to the dead letters.
local function bury(queue, lane, id, fields, limit)
  redis.call('XADD', P .. DEAD, 'MAXLEN', '~', limit, '*', 'owner', queue, 'reason', 'expired', unpack(fields))
  redis.call('XACK', P .. lane, GROUP, id)
  redis.call('XDEL', P .. lane, id)
  wake(DEAD, 1)
end

local function ownerOf(lane)
  return (string.gsub(lane, '%.high$', ''))
end

-- Buries what has expired at the head of a stream, and what came back to it and has expired.
local function sweep(lane, limit)
  local key, time, queue = P .. lane, now(), ownerOf(lane)
  local groups = redis.pcall('XINFO', 'GROUPS', key)
  local last
  for _, group in ipairs(groups.err and {} or groups) do
    for at = 1, #group, 2 do
      if group[at] == 'last-delivered-id' and group[2] == GROUP then last = group[at + 1] end
    end
  end
  if not last or redis.call('XLEN', key) == 0 then
    redis.call('SREM', MORTAL, lane)
    return
  end
  for _, pending in ipairs(redis.call('XPENDING', key, GROUP, '-', '+', 100, RETURNED)) do
    local entry = redis.call('XRANGE', key, pending[1], pending[1])[1]
    local expires = entry and expiresAt(entry[2])
    if expires and expires <= time then bury(queue, lane, entry[1], entry[2], limit) end
  end
  for _ = 1, 1000 do
    local entry = redis.call('XRANGE', key, '(' .. last, '+', 'COUNT', 1)[1]
    local expires = entry and expiresAt(entry[2])
    if not expires or expires > time then return end
    bury(queue, lane, entry[1], entry[2], limit)
  end
end

-- Takes from a holder all that it holds, and forgets it. What it held waits for any consumer, in its old place.
local function release(queue, holder)
  for _, lane in ipairs(lanesOf(queue)) do
    local key = P .. lane
    while true do
      local held = redis.pcall('XPENDING', key, GROUP, '-', '+', 500, holder)
      if held.err or #held == 0 then break end
      local ids = {}
      for _, pending in ipairs(held) do ids[#ids + 1] = pending[1] end
      ids[#ids + 1] = 'JUSTID'
      local claimed = redis.call('XCLAIM', key, GROUP, RETURNED, 0, unpack(ids))
      wake(lane, #claimed)
    end
    redis.pcall('XGROUP', 'DELCONSUMER', key, GROUP, holder)
    redis.call('SREM', P .. 'waiting.' .. lane, holder)
  end
  redis.call('ZREM', HOLDERS, queue .. ' ' .. holder)
end

-- Removes an inbox and what is in it; what reads it is told.
local function remove(queue)
  for _, lane in ipairs(lanesOf(queue)) do
    local waiting = redis.call('SMEMBERS', P .. 'waiting.' .. lane)
    redis.call('DEL', P .. lane, P .. 'waiting.' .. lane)
    redis.call('SREM', MORTAL, lane)
    for _, holder in ipairs(waiting) do
      redis.call('PUBLISH', P .. 'wake.' .. string.match(holder, '^[^:]+'), holder)
    end
  end
  redis.call('HDEL', BINDINGS, queue)
  redis.call('ZREM', EXPIRIES, queue)
  redis.call('DEL', ROUTES)
end
`;
