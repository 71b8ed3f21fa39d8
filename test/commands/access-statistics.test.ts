import { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { infoFields } from '../support/info.js';
import { describeWithRedisServer, startRedisServer } from '../support/redis-server.js';
import { startWithClient } from '../support/respite.js';

/** What is there before each command. */
const present = [
  ['SET', 'string', 'v'],
  ['RPUSH', 'list', 'a', 'b'],
  ['SADD', 'set', 'a', 'b'],
  ['ZADD', 'zset', '1', 'a', '2', 'b'],
  ['HSET', 'hash', 'f', 'v'],
  ['GEOADD', 'geo', '13.4', '38.1', 'Palermo', '15.1', '37.5', 'Catania'],
  ['XADD', 'stream', '1-1', 'f', 'v'],
  ['XGROUP', 'CREATE', 'stream', 'group', '0'],
  ['XREADGROUP', 'GROUP', 'group', 'alice', 'STREAMS', 'stream', '>'],
];

const commands = `
  SETNX string x | SETNX none x | SET string x NX | SET string x GET | SET none x GET | SET string v XX | SET none v XX
  SET string v KEEPTTL | SETEX none 10 x | GETSET string x | GETDEL string | GETDEL none | GETEX string EX 10
  GETEX none | GETEX string PERSIST | GET list | APPEND string x | STRLEN string | STRLEN list | SETRANGE string 0 x
  SETRANGE none 0 x | GETRANGE string 0 1 | GETRANGE none 0 1 | INCR none | INCRBYFLOAT none 1 | MGET string none list
  MSET a 1 b 2 | MSETNX string 1 b 2 | LCS string none
  SETBIT string 1 1 | SETBIT none 1 0 | GETBIT none 1 | BITCOUNT none | BITPOS none 1 | BITOP AND d string none
  BITOP AND d none | BITFIELD string GET u8 0 | BITFIELD none SET u8 0 1 | PFADD hll a | PFCOUNT none none2
  PFMERGE d none
  EXISTS string none | TOUCH string none | TYPE none | TTL none | TTL string | EXPIRETIME none | EXPIRE string 10
  EXPIRE none 10 | EXPIRE string -1 | EXPIRE string 10 XX | EXPIRE string 10 NX | PERSIST string
  OBJECT ENCODING string | OBJECT ENCODING none | DUMP none | DUMP string | RENAME string s2 | RENAME none s2
  RENAMENX string list | COPY string d | COPY string list | COPY none d | MOVE string 1 | DEL string none | UNLINK list
  RANDOMKEY | KEYS * | SCAN 0 | MEMORY USAGE string | MEMORY USAGE none
  SORT list ALPHA | SORT none | SORT list ALPHA STORE d | SORT none STORE list | SORT list BY w_* GET # ALPHA
  SORT list BY nosort GET string
  LPUSH list x | LPUSHX none x | LPOP list | LPOP none | LPOP list 5 | LPOP list 0 | LRANGE none 0 1 | LRANGE list 0 1
  LINDEX list 0 | LLEN none | LSET list 0 x | LREM list 0 a | LREM list 0 zz | LINSERT list BEFORE a x
  LINSERT list BEFORE zz x | LTRIM list 0 0 | LTRIM list 0 -1 | LTRIM list 5 6 | LPOS list a | LPOS none a
  LMOVE list list LEFT RIGHT | LMOVE list d LEFT RIGHT | RPOPLPUSH none d | LMPOP 2 none list LEFT | BLPOP none list 0
  BLMOVE list d LEFT LEFT 0 | BRPOPLPUSH list list 0 | BLMPOP 0 2 none list LEFT COUNT 2
  SADD set a c | SREM set a b | SMOVE set d a | SMOVE set set a | SMOVE set d zz | SCARD none | SISMEMBER set a
  SMISMEMBER none a b | SMEMBERS none | SMEMBERS set | SPOP set | SPOP none | SPOP set 0 | SPOP set 1 | SPOP set 2
  SPOP set 5 | SPOP none 5 | SRANDMEMBER set | SRANDMEMBER none 2 | SINTER set none | SINTER set set
  SINTERSTORE d set set | SINTERSTORE set none | SINTERCARD 2 set none | SUNION set none | SUNIONSTORE d set none
  SDIFF set none | SDIFFSTORE d set set | SSCAN none 0 | SSCAN set 0
  HSET hash f w g x | HSETNX hash f x | HSETNX hash g x | HGET hash f | HGET none f | HMGET hash f g | HMGET none f g
  HDEL hash f | HDEL none f | HGETALL none | HGETALL hash | HLEN none | HKEYS none | HVALS hash | HSTRLEN none f
  HEXISTS none f | HRANDFIELD hash | HRANDFIELD none 5 | HINCRBY hash n 1 | HINCRBYFLOAT hash n 1 | HSCAN none 0
  ZADD zset 5 a 6 c | ZADD zset 1 a | ZADD zset XX 5 q | ZADD none NX INCR 1 a | ZADD zset NX INCR 1 a | ZREM zset a b
  ZINCRBY zset 1 a | ZCARD none | ZSCORE none a | ZSCORE zset a | ZMSCORE none a | ZRANK none a | ZCOUNT none 0 1
  ZLEXCOUNT zset - + | ZRANGE none 0 1 | ZRANGE zset 0 1 | ZRANGEBYSCORE none 0 1 | ZRANGESTORE d zset 0 -1
  ZRANGESTORE d none 0 -1 | ZRANGESTORE zset none 0 -1 | ZREMRANGEBYRANK zset 0 -1 | ZREMRANGEBYSCORE none 0 1
  ZPOPMIN zset | ZPOPMIN zset 5 | ZPOPMIN zset 0 | ZPOPMIN none | ZMPOP 2 none zset MIN COUNT 2 | BZPOPMIN none zset 0
  BZMPOP 0 2 none zset MIN | ZUNION 2 zset none | ZUNIONSTORE d 2 zset set | ZUNIONSTORE zset 1 none
  ZINTER 2 zset none | ZINTERCARD 2 zset none | ZDIFF 2 zset none | ZDIFFSTORE d 2 zset zset | ZRANDMEMBER zset
  ZRANDMEMBER none 3 | ZSCAN none 0
  GEOADD geo 1 1 x | GEOADD geo 13.4 38.1 Palermo | GEODIST none a b | GEOPOS none a | GEOHASH none a
  GEOSEARCH geo FROMMEMBER Palermo BYRADIUS 1 km | GEOSEARCH none FROMMEMBER a BYRADIUS 1 km
  GEOSEARCHSTORE d geo FROMMEMBER Palermo BYRADIUS 500 km | GEOSEARCHSTORE d none FROMMEMBER a BYRADIUS 1 km
  GEORADIUS geo 13.4 38.1 500 km STORE d | GEORADIUS geo 0 0 1 km STORE d | GEORADIUS geo 0 0 1 km STORE zset
  GEORADIUSBYMEMBER geo Palermo 500 km STORE d
  XADD stream 5-1 f v | XADD none NOMKSTREAM * f v | XADD stream MAXLEN 0 5-1 f v | XADD stream MAXLEN 1 6-1 f v
  XLEN none | XLEN stream | XRANGE none - + | XRANGE stream - + | XREVRANGE none + - | XDEL none 1-1 | XDEL stream 1-1
  XDEL stream 9-9 | XTRIM none MAXLEN 0 | XTRIM stream MAXLEN 0 | XTRIM stream MAXLEN 5 | XREAD STREAMS stream 0
  XREAD STREAMS none 0 | XREAD STREAMS stream $ | XREADGROUP GROUP group alice STREAMS stream >
  XREADGROUP GROUP group alice STREAMS stream 0 | XREADGROUP GROUP group alice NOACK STREAMS stream >
  XREADGROUP GROUP nogroup a STREAMS stream > | XGROUP CREATE stream g2 $ | XGROUP CREATE none g2 $ MKSTREAM
  XGROUP SETID stream group 0 | XGROUP DESTROY stream group | XGROUP DESTROY stream nope
  XGROUP CREATECONSUMER stream group carl | XGROUP CREATECONSUMER stream group alice
  XGROUP DELCONSUMER stream group alice | XGROUP DELCONSUMER stream group nope | XINFO STREAM stream | XINFO STREAM none
  XINFO GROUPS stream | XINFO CONSUMERS stream group | XPENDING stream group | XPENDING none group
  XPENDING stream group - + 10 | XSETID stream 9-9 | XACK stream group 1-1 | XACK none group 1-1
  XCLAIM stream group bob 0 1-1 | XCLAIM none group bob 0 1-1 | XCLAIM stream group bob 0 1-1 JUSTID
  XCLAIM stream group alice 100000 1-1 | XAUTOCLAIM stream group bob 0 0 | XAUTOCLAIM none group bob 0 0
  XAUTOCLAIM stream group bob 0 0 JUSTID
  FLUSHALL | FLUSHDB | SWAPDB 0 1 | DBSIZE | PUBLISH a b | WATCH string none
`;

/** By how much each command changes what INFO counts of the keyspace. */
async function countsOf(redis: Redis): Promise<string[]> {
  const counts: string[] = [];
  const names = ['keyspace_hits', 'keyspace_misses', 'rdb_changes_since_last_save'];
  const read = async () => {
    const info = await infoFields(redis, 'everything');
    return names.map((name) => Number(info.get(name)));
  };
  for (const line of commands.trim().split(/\s*[|\n]\s*/)) {
    const [name, ...args] = line.split(' ');
    await redis.flushall();
    for (const words of present) await redis.call(words[0], ...words.slice(1));
    const before = await read();
    await redis.call(name, ...args).catch(() => {});
    const after = await read();
    const changes = names.map((counted, i) => `${counted} ${after[i] - before[i]}`);
    counts.push(`${line}: ${changes.join(', ')}`);
  }
  return counts;
}

describeWithRedisServer('INFO', () => {
  it('counts hits, misses and changes as in Redis', async () => {
    const real = await startRedisServer();
    const oracle = new Redis({ port: real.port, retryStrategy: () => null });
    try {
      const { redis } = await startWithClient();
      expect(await countsOf(redis)).toEqual(await countsOf(oracle));
    } finally {
      oracle.disconnect();
      await real.stop();
    }
  }, 30_000);
});
