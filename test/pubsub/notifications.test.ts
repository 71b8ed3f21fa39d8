import { describe, expect, it } from 'vitest';
import { EventClass } from '../../src/keyspace/events.js';
import { eventMaskOf } from '../../src/pubsub/notifications.js';
import { RawClient } from '../support/raw-client.js';
import { describeWithRedisServer, startRedisServer } from '../support/redis-server.js';
import { plain } from '../support/reply-reader.mjs';
import { startRespite, startWithClient } from '../support/respite.js';

describe('eventMaskOf', () => {
  it('is zero unless K or E says where to publish', () => {
    expect(eventMaskOf('')).toBe(0);
    expect(eventMaskOf('Amn')).toBe(0);
    expect(eventMaskOf('Kg')).toBe(EventClass.keyspace | EventClass.generic);
    expect(eventMaskOf('Em')).toBe(EventClass.keyevent | EventClass.keyMiss);
  });

  it('takes A for every class but m and n', () => {
    expect(eventMaskOf('KA')).toBe(eventMaskOf('Kg$lshzxetd'));
    expect(eventMaskOf('KA') & (EventClass.keyMiss | EventClass.newKey)).toBe(0);
  });
});

/** All events that commands publish, as `channel payload`. */
async function eventsOf(port: number, letters: string, commands: readonly string[]): Promise<string[]> {
  const [subscriber, client] = [await RawClient.connect({ port }), await RawClient.connect({ port })];
  await client.call('FLUSHALL');
  await client.call('CONFIG', 'SET', 'notify-keyspace-events', letters);
  await subscriber.send('PSUBSCRIBE', '__key*');
  await client.pipeline(commands.map((line) => line.split(' ')));
  await client.send('PUBLISH', '__key end', 'end');
  const events: string[] = [];
  for (;;) {
    const [, , channel, payload] = plain(await subscriber.next()) as string[];
    if (payload === 'end') break;
    events.push(`${channel} ${payload}`);
  }
  await Promise.all([subscriber.close(), client.close()]);
  return events;
}

describe('keyspace notifications', () => {
  it('are off by default', async () => {
    const { server, redis } = await startWithClient();
    const subscriber = await RawClient.connect({ port: server.port });
    await subscriber.send('PSUBSCRIBE', '*');
    await redis.set('k', 'v');
    await redis.publish('end', '');
    expect(plain(await subscriber.next())).toEqual(['pmessage', '*', 'end', '']);
  });

  it('publish the event by key and the key by event', async () => {
    const server = await startRespite();
    expect(await eventsOf(server.port, 'KEA', ['SET foo bar', 'SELECT 3', 'SET foo x', 'DEL foo'])).toEqual([
      '__keyspace@0__:foo set',
      '__keyevent@0__:set foo',
      '__keyspace@3__:foo set',
      '__keyevent@3__:set foo',
      '__keyspace@3__:foo del',
      '__keyevent@3__:del foo',
    ]);
  });

  it('leave out the classes that nobody asked for', async () => {
    const server = await startRespite();
    const commands = ['SET foo bar', 'EXPIRE foo 10', 'HSET h a b', 'DEL foo', 'GET foo'];
    expect(await eventsOf(server.port, 'Eg', commands)).toEqual([
      '__keyevent@0__:expire foo',
      '__keyevent@0__:del foo',
    ]);
    expect(await eventsOf(server.port, 'E$m', commands)).toEqual([
      '__keyevent@0__:set foo',
      '__keyevent@0__:keymiss foo',
    ]);
    expect(await eventsOf(server.port, 'Kh', commands)).toEqual(['__keyspace@0__:h hset']);
    expect(await eventsOf(server.port, 'Kn', commands)).toEqual([
      '__keyspace@0__:foo new',
      '__keyspace@0__:h new',
    ]);
  });

  it('carry keys of any bytes', async () => {
    const { server, redis } = await startWithClient({ 'notify-keyspace-events': 'KE$' });
    const subscriber = await RawClient.connect({ port: server.port });
    await subscriber.send('PSUBSCRIBE', '*');
    await redis.set(Buffer.from([0, 0xff, 0x0d, 0x0a]), 'v');
    expect(plain(await subscriber.next())).toEqual(['pmessage', '*', '__keyspace@0__:\0\xff\r\n', 'set']);
    expect(plain(await subscriber.next())).toEqual(['pmessage', '*', '__keyevent@0__:set', '\0\xff\r\n']);
  });

  it('tell of a key that expired although nobody asked for it', async () => {
    const { server, redis } = await startWithClient({ clock: 'manual', 'notify-keyspace-events': 'Ex' });
    const subscriber = await RawClient.connect({ port: server.port });
    await subscriber.send('PSUBSCRIBE', '*');
    await redis.set('k', 'v', 'PX', 100);
    server.advanceTime(101);
    expect(plain(await subscriber.next())).toEqual(['pmessage', '*', '__keyevent@0__:expired', 'k']);
  });

  it('tell of it within a moment when the real clock runs', async () => {
    const { server, redis } = await startWithClient({ 'notify-keyspace-events': 'Ex' });
    const subscriber = await RawClient.connect({ port: server.port });
    await subscriber.send('PSUBSCRIBE', '*');
    // Turns of a timer in this process, for which the server is not to blame when it is held up.
    let turns = 0;
    const timer = setInterval(() => turns++, 10);
    await redis.set('k', 'v', 'PX', 20);
    await subscriber.next();
    clearInterval(timer);
    expect(turns).toBeLessThan(100);
  });
});

/** Command lines whose events are the same on both sides, whatever the time. */
const commands = `
SET a 1|SET a 3 EX 100|SET a 3 PX 100000 KEEPTTL|SET a 4 XX GET|SET a 5 NX|SET a x EXAT 99999999999|SETNX a 2|SETNX b 2
SETEX b 100 x|PSETEX b 100000 x|GETSET b y|GETSET newb y|GETDEL newb|GETDEL newb|GETEX b|GETEX b EX 100|GETEX b PERSIST
GETEX b PXAT 1|APPEND b x|APPEND b x|INCR n|INCRBY n 5|DECR n|DECRBY n 2|INCRBYFLOAT n 1.5|MSET m1 a m2 b|MSETNX m1 a m3 b
MSETNX m4 a m5 b|SETRANGE m1 3 xx|SETRANGE nokey 0 |GETRANGE m1 0 1|STRLEN m1|STRLEN nokey|GET nokey|MGET nokey m1
EXISTS nokey|TYPE nokey|TTL nokey|OBJECT ENCODING nokey|TOUCH nokey m1|EXPIRE m1 100|EXPIRE m1 100 NX|EXPIRE m1 -1
PEXPIRE m2 100000|EXPIREAT m2 1|PEXPIREAT m4 99999999999999|PERSIST m4|PERSIST m4|DEL m4 nokey|UNLINK m5|SET r1 1|SET r2 2
RENAME r1 r2|RENAME r2 r2|RENAMENX r2 r3|SET r1 1|RENAMENX r1 r3|COPY r1 r4|COPY r1 r4 REPLACE|COPY r1 r4|COPY r1 r5 DB 1
MOVE r1 1|MOVE r5 1|SETBIT bit 7 1|GETBIT bit 7|BITCOUNT bit|BITPOS bit 1|BITOP AND dest bit bit|BITOP AND dest nokey nokey2
BITOP AND dest nokey nokey2|BITFIELD bf SET u8 0 255|BITFIELD bf GET u8 0|BITFIELD bf INCRBY u8 0 10|BITFIELD bf2 GET u8 0
BITFIELD bf2 OVERFLOW FAIL INCRBY u2 0 100|LCS a nokey|SELECT 1|SET other 1|FLUSHDB|SELECT 0|SWAPDB 0 1|SWAPDB 0 1|GETDEL bit
HSET h a 1 b 2|HSETNX h a 3|HMSET h d 4|HINCRBY h n 1|HINCRBYFLOAT h n 1.5|HGET nokey a|HMGET nokey a b|HGETALL nokey
HLEN nokey|HRANDFIELD nokey|HSCAN nokey 0|HDEL h zz|HDEL h a b|HDEL h c d n|HSET h2 a 1|RENAME h2 h3|COPY h3 h4|SET h4 x
LPUSH l a b c|RPUSH l d|LPUSHX l e|RPUSHX nol e|LINSERT l before a z|LINSERT l before nope z|LSET l 0 q|LREM l 0 q|LREM l 0 q
LTRIM l 0 2|LTRIM l 0 2|LPOP l|RPOP l 1|LPOP l 5|LPOP l|LPOP l 2|RPUSH l 1 2 3|LMOVE l l2 LEFT RIGHT|RPOPLPUSH l l2
LMOVE nol l2 LEFT LEFT|LMOVE l2 l2 LEFT RIGHT|BLPOP l 0|BRPOPLPUSH l2 l3 0|BLMOVE l2 l3 LEFT LEFT 0|LMPOP 2 nol l3 LEFT COUNT 5
RPUSH l 1 2 3|LRANGE nol 0 -1|LLEN nol|LINDEX nol 0|LPOS nol 0|LTRIM l 5 6|RPUSH l 1|LREM l 1 1
SADD s a b c|SADD s a|SREM s a|SREM s zz|SREM s b c|SADD s a b c|SPOP s|SPOP s 1|SPOP s 5|SPOP s|SPOP s 2|SADD s a b c
SADD t b c d|SMOVE s t a|SMOVE s t zz|SMOVE s t b|SINTER s nos|SINTERSTORE d s t|SINTERSTORE d s nos|SINTERSTORE d s nos
SUNIONSTORE d s t|SDIFFSTORE d t s|SDIFFSTORE d s t|SINTER nos|SUNION nos|SDIFF nos|SINTERCARD 1 nos|SMEMBERS nos
SISMEMBER nos a|SMISMEMBER nos a|SCARD nos|SRANDMEMBER nos|SRANDMEMBER nos 2|SSCAN nos 0|SMOVE s t c
ZADD z 1 a 2 b|ZADD z 1 a|ZADD z CH 2 a|ZADD z XX 3 a|ZADD z XX 3 nope|ZADD z INCR 3 a|ZINCRBY z 1 a|ZREM z zz|ZREM z a|ZREM z b
ZADD z 1 a 2 b 3 c 4 d 5 e|ZREMRANGEBYRANK z 0 0|ZREMRANGEBYSCORE z 2 2|ZREMRANGEBYSCORE z 20 20|ZREMRANGEBYLEX z [c [c
ZPOPMIN z|ZPOPMAX z|ZPOPMIN z|ZADD z 1 a 2 b 3 c 4 d 5 e|ZADD y 1 a 2 x|ZPOPMIN z 2|ZPOPMIN z 0|BZPOPMIN z 0|BZPOPMAX z 0
ZADD z 1 a 2 b 3 c 4 d 5 e|ZMPOP 2 noz z MIN COUNT 2|BZMPOP 0 1 z MAX|ZUNIONSTORE zd 2 z y|ZINTERSTORE zd 2 z y
ZINTERSTORE zd 2 z noz|ZDIFFSTORE zd 2 z y|ZRANGESTORE zd z 0 1|ZRANGESTORE zd z 10 11|ZUNION 2 noz z|ZINTER 2 noz z
ZDIFF 2 noz z|ZINTERCARD 2 noz z|ZRANGE noz 0 -1|ZSCORE noz a|ZMSCORE noz a b|ZRANK noz a|ZCARD noz|ZCOUNT noz 0 1
ZLEXCOUNT noz - +|ZRANDMEMBER noz|ZRANDMEMBER noz 2|ZSCAN noz 0|ZRANGEBYSCORE noz 0 1|ZREMRANGEBYRANK z 0 -1
PFADD p a b|PFADD p a b|PFADD p2|PFADD p2|PFCOUNT p|PFCOUNT p nop|PFCOUNT nop|PFMERGE p3 p p2
MULTI|SET g1 1|INCR g1|DEL g1|EXEC|FLUSHALL`
  .trim()
  .split(/[|\n]/);

describeWithRedisServer('keyspace notifications beside redis-server', () => {
  it('are the same for the same commands', async () => {
    const [redis, respite] = [await startRedisServer(), await startRespite()];
    try {
      expect(await eventsOf(respite.port, 'KEAmn', commands)).toEqual(
        await eventsOf(redis.port, 'KEAmn', commands),
      );
    } finally {
      await redis.stop();
    }
  });
});
