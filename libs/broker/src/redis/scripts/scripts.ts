import { ALLOW_OOM, PRELUDE, REFUSED_AT_OOM, script } from './script.js';

/**
 * Routes a message, and adds it to the streams it is for. Answers how many inboxes and listeners it is for, or -1 when
 * an inbox was full. A key of another type than a stream takes nothing and hinders no other inbox.
 * ARGV: `direct` or `many`; the inbox, the topic, or '' for a broadcast; the lane's ending; the most that wait in a lane;
 * the time to live in ms or ''; the recipient, the properties and the body.
 */
export const PUBLISH = script(`${REFUSED_AT_OOM}${PRELUDE}
local mode, name, ending, limit, ttl, to, properties, body = unpack(ARGV)
limit = tonumber(limit)

local function words(text)
  local list = {}
  for word in string.gmatch(text, '[^.]+') do list[#list + 1] = word end
  return list
end

-- As topicMatches of agentmq/protocol.
local function matches(pattern, topic)
  local reachable = { [0] = true }
  for _, part in ipairs(words(pattern)) do
    local following, any = {}, false
    for at = 0, #topic do
      if part == '#' then
        any = any or reachable[at]
        following[at] = any or nil
      elseif reachable[at] and at < #topic and (part == '*' or part == topic[at + 1]) then
        following[at + 1] = true
      end
    end
    reachable = following
  end
  return reachable[#topic]
end

local function find()
  local found, topic = {}, words(name)
  local all = redis.call('HGETALL', BINDINGS)
  for at = 1, #all, 2 do
    local field, taken = all[at], false
    if name == '' then
      taken = string.sub(field, 1, 6) == 'agent.'
    else
      for pattern in string.gmatch(all[at + 1], '%S+') do
        taken = taken or pattern == name or matches(pattern, topic)
      end
    end
    if taken then found[#found + 1] = field end
  end
  return table.concat(found, ' ')
end

-- A name that ends so is no inbox's: its stream would be the high lane of another.
local targets = string.sub(name, -5) == '.high' and '' or name
if mode == 'many' then
  targets = redis.call('HGET', ROUTES, name)
  if not targets then
    targets = find()
    -- About 4 MB: a topic may lead to thousands of inboxes.
    if redis.call('HLEN', ROUTES) * (400 + #targets) >= 4000000 then redis.call('DEL', ROUTES) end
    redis.call('HSET', ROUTES, name, targets)
  end
end

local fields = { 'to', to, 'properties', properties, 'body', body }
if ttl ~= '' then
  fields[7] = 'expires'
  fields[8] = string.format('%.0f', now() + tonumber(ttl))
end
local found, full = 0, false
for target in string.gmatch(targets, '%S+') do
  if string.sub(target, 1, 7) == 'listen.' then
    if redis.call('PUBLISH', P .. target, to .. '\\n' .. properties .. '\\n' .. body) > 0 then
      found = found + 1
    else
      redis.call('HDEL', BINDINGS, target)
      redis.call('DEL', ROUTES)
    end
  else
    local lane = target .. ending
    local size = redis.pcall('XLEN', P .. lane)
    if type(size) == 'number' and size >= limit and ready(lane) >= limit then
      found, full = found + 1, true
    elseif type(size) == 'number' and redis.call('XADD', P .. lane, 'NOMKSTREAM', '*', unpack(fields)) then
      found = found + 1
      if ttl ~= '' then redis.call('SADD', MORTAL, lane) end
      wake(lane, 1)
    end
  end
end
return full and -1 or found
`);

/** Whether Redis takes publications again; refused as they are. */
export const PROBE = script(`${REFUSED_AT_OOM}return 1`);

const BIND = `
local function bind(field, topics, dropped)
  local before = redis.call('HGET', BINDINGS, field)
  local bound, after = {}, {}
  for pattern in string.gmatch(before or '', '%S+') do bound[pattern] = true end
  for _, pattern in ipairs(dropped) do bound[pattern] = nil end
  for _, pattern in ipairs(topics) do bound[pattern] = true end
  for pattern in pairs(bound) do after[#after + 1] = pattern end
  table.sort(after)
  local text = table.concat(after, ' ')
  if text ~= before then
    redis.call('HSET', BINDINGS, field, text)
    redis.call('DEL', ROUTES)
  end
  return before
end
`;

/** What `turn` answers first. */
export const TURN = { ok: 0, lost: 1, missing: 2 } as const;

/**
 * Makes an inbox (or the dead letters) if need be, binds it, and registers a holder, after releasing what earlier ones
 * of the same consumer held. Answers 1 when a stream was missing, 2 when only the bindings were, else 0.
 * ARGV: the queue; the holder; its lease in ms, or 0 for one that is registered: were it not any more, it is to find that
 * out; how long an unread inbox stays in ms, or 0; then counts, each followed by so many values: earlier holders, topics,
 * dropped topics.
 */
export const DECLARE = script(`${ALLOW_OOM}${PRELUDE}${BIND}
local queue, holder, lease, expires = unpack(ARGV, 1, 4)
local at = 5
local function list()
  local values = {}
  for index = 1, tonumber(ARGV[at]) do values[index] = ARGV[at + index] end
  at = at + #values + 1
  return values
end
local earlier, topics, dropped = list(), list(), list()
local made, unbound = false, false
for _, lane in ipairs(lanesOf(queue)) do
  local type = redis.call('TYPE', P .. lane).ok
  if type ~= 'none' and type ~= 'stream' then return redis.error_reply('WRONGTYPE ' .. P .. lane .. ' is a ' .. type) end
  made = made or type == 'none'
  local group = redis.pcall('XGROUP', 'CREATE', P .. lane, GROUP, '0', 'MKSTREAM')
  if group.err and not string.find(group.err, 'BUSYGROUP', 1, true) then return group end
end
for _, old in ipairs(earlier) do release(queue, old) end
if queue ~= DEAD then unbound = not bind(queue, topics, dropped) end
if expires ~= '0' then redis.call('ZADD', EXPIRIES, now() + tonumber(expires), queue) end
if lease ~= '0' then redis.call('ZADD', HOLDERS, now() + tonumber(lease), queue .. ' ' .. holder) end
return made and 1 or unbound and 2 or 0
`);

/** Changes what an inbox is bound to. Answers 0 when there is no such inbox. ARGV as for DECLARE. */
export const REBIND = script(`${ALLOW_OOM}${PRELUDE}${BIND}
local queue, count = ARGV[1], tonumber(ARGV[2])
if redis.call('EXISTS', P .. queue) == 0 then return 0 end
local topics, dropped = {}, {}
for at = 3, #ARGV do table.insert(at < 3 + count and topics or dropped, ARGV[at]) end
bind(queue, topics, dropped)
return 1
`);

/** Registers a listener, or prolongs its lease. ARGV: its channel's name, lease in ms, topics. */
export const LISTEN = script(`${ALLOW_OOM}${PRELUDE}${BIND}
bind(ARGV[1], { unpack(ARGV, 3) }, {})
redis.call('ZADD', HOLDERS, now() + tonumber(ARGV[2]), ARGV[1] .. ' ' .. ARGV[1])
return 1
`);

/** ARGV: the listener's channel's name. */
export const UNLISTEN = script(`${ALLOW_OOM}${PRELUDE}
redis.call('HDEL', BINDINGS, ARGV[1])
redis.call('ZREM', HOLDERS, ARGV[1] .. ' ' .. ARGV[1])
redis.call('DEL', ROUTES)
return 1
`);

/**
 * One turn of a consumer: takes its acknowledgements, returns what it gives back, prolongs its lease, and hands out as
 * much as it asks for. From one whose lease has ended it takes nothing: another may be at work on what it held. Answers how it went (`TURN`) and for each stream a list of id, earlier deliveries and fields.
 * ARGV: the queue; the holder; its lease in ms; how long an unread inbox stays in ms, or 0; the most dead letters; 1 when
 * the holder leaves; then for each stream how many it asks for, and two counts, each followed by so many ids: what is
 * acknowledged, and what is given back.
 */
export const TAKE_TURN = script(`${ALLOW_OOM}${PRELUDE}
local queue, holder, lease, expires, limit, leaves = unpack(ARGV, 1, 6)
local at = 7
local function list()
  local values = {}
  for index = 1, tonumber(ARGV[at]) do values[index] = ARGV[at + index] end
  at = at + #values + 1
  return values
end

local member = queue .. ' ' .. holder
if not redis.call('ZSCORE', HOLDERS, member) then return { ${TURN.lost} } end
local wanted = {}
for _, lane in ipairs(lanesOf(queue)) do
  local key = P .. lane
  wanted[lane] = tonumber(ARGV[at])
  at = at + 1
  eachChunk(list(), function(...)
    redis.pcall('XACK', key, GROUP, ...)
    redis.pcall('XDEL', key, ...)
  end)
  for _, id in ipairs(list()) do
    local held = redis.pcall('XPENDING', key, GROUP, id, id, 1, holder)
    if not held.err and #held > 0 then
      redis.call('XCLAIM', key, GROUP, RETURNED, 0, id, 'JUSTID')
      wake(lane, 1)
    end
  end
end
if leaves == '1' then
  release(queue, holder)
  return { ${TURN.ok} }
end
local time = now()
redis.call('ZADD', HOLDERS, time + tonumber(lease), member)
if expires ~= '0' then redis.call('ZADD', EXPIRIES, time + tonumber(expires), queue) end
if queue ~= DEAD and redis.call('HEXISTS', BINDINGS, queue) == 0 then return { ${TURN.missing} } end

local answer = { ${TURN.ok} }
for _, lane in ipairs(lanesOf(queue)) do
  local key, credit, got = P .. lane, wanted[lane], {}
  local function take(id, returns, fields)
    local dies = queue ~= DEAD and expiresAt(fields)
    if dies and dies <= time then bury(queue, lane, id, fields, limit)
    else got[#got + 1] = { id, returns, fields } end
  end
  if redis.call('EXISTS', key) == 0 then return { ${TURN.missing} } end
  while #got < credit do
    local back = redis.pcall('XPENDING', key, GROUP, '-', '+', credit - #got, RETURNED)
    if back.err then return { ${TURN.missing} } end
    if #back == 0 then break end
    for _, pending in ipairs(back) do
      local entry = redis.call('XCLAIM', key, GROUP, holder, 0, pending[1])[1]
      if entry then take(entry[1], pending[4], entry[2]) else redis.call('XACK', key, GROUP, pending[1]) end
    end
  end
  while #got < credit do
    local streams = redis.pcall('XREADGROUP', 'GROUP', GROUP, holder, 'COUNT', credit - #got, 'STREAMS', key, '>')
    if streams and streams.err then return { ${TURN.missing} } end
    if not streams then break end
    for _, entry in ipairs(streams[1][2]) do take(entry[1], 0, entry[2]) end
  end
  redis.call(#got < credit and 'SADD' or 'SREM', P .. 'waiting.' .. lane, holder)
  answer[#answer + 1] = got
end
return answer
`);

/** Messages ready in an inbox; -1 when it does not exist. ARGV: the queue, the most dead letters. */
export const SIZE = script(`${ALLOW_OOM}${PRELUDE}
local size = 0
for _, lane in ipairs(lanesOf(ARGV[1])) do
  if redis.call('EXISTS', P .. lane) == 0 then return -1 end
  if redis.call('SISMEMBER', MORTAL, lane) == 1 then sweep(lane, ARGV[2]) end
  size = size + ready(lane)
end
return size
`);

/** ARGV: the queue. */
export const REMOVE = script(`${ALLOW_OOM}${PRELUDE}
remove(ARGV[1])
return 1
`);

/**
 * What one process at a time does for all: releases what dead holders held, removes inboxes that were not read for too
 * long, and buries what has expired. ARGV: the most dead letters; how long no other process need do it, in ms.
 */
export const TEND = script(`${ALLOW_OOM}${PRELUDE}
if not redis.call('SET', P .. 'tended', '1', 'NX', 'PX', ARGV[2]) then return 0 end
local time = string.format('%.0f', now())
for _, member in ipairs(redis.call('ZRANGEBYSCORE', HOLDERS, '-inf', time, 'LIMIT', 0, 50)) do
  local queue, holder = string.match(member, '^(%S+) (%S+)$')
  if not queue then
    redis.call('ZREM', HOLDERS, member)
  elseif string.sub(queue, 1, 7) == 'listen.' then
    redis.call('HDEL', BINDINGS, queue)
    redis.call('ZREM', HOLDERS, member)
    redis.call('DEL', ROUTES)
  else
    release(queue, holder)
  end
end
for _, queue in ipairs(redis.call('ZRANGEBYSCORE', EXPIRIES, '-inf', time, 'LIMIT', 0, 50)) do remove(queue) end
for _, lane in ipairs(redis.call('SRANDMEMBER', MORTAL, 200)) do sweep(lane, ARGV[1]) end
return 1
`);

export const ALL_SCRIPTS = [PUBLISH, PROBE, DECLARE, REBIND, LISTEN, UNLISTEN, TAKE_TURN, SIZE, REMOVE, TEND];
