import type { Redis } from 'ioredis';
import { beforeEach, describe, expect, it } from 'vitest';
import { commandLines } from '../support/command-lines.js';
import { connect, startRespite } from '../support/respite.js';

let redis: Redis;

const { run } = commandLines(() => redis);

beforeEach(async () => {
  redis = connect(await startRespite());
  await run('geoadd Sicily 13.361389 38.115556 Palermo 15.087269 37.502669 Catania');
  await run('geoadd Sicily 13.583333 37.316667 Agrigento');
  await run('set str x');
});

describe('places', () => {
  it('are members of a sorted set', async () => {
    expect(await run('zscore Sicily Palermo')).toBe('3479099956230698');
    expect(await run('geoadd Sicily ch 13.4 38.1 Palermo 15 37 Noto')).toBe(2);
    expect(await run('geoadd Sicily nx 1 1 Palermo')).toBe(0);
  });

  it('have distances', async () => {
    expect(await run('geodist Sicily Palermo Catania')).toBe('166274.1516');
    expect(await run('geodist Sicily Palermo Catania KM')).toBe('166.2742');
    expect(await run('geodist Sicily Palermo Catania mi')).toBe('103.3182');
    expect(await run('geodist Sicily Palermo Rome')).toBeNull();
    expect(await run('geodist none Palermo Rome')).toBeNull();
  });

  it('have positions and geohashes', async () => {
    expect(await run('geopos Sicily Palermo Rome')).toEqual([
      ['13.36138933897018433', '38.11555639549629859'],
      null,
    ]);
    expect(await run('geohash Sicily Palermo Rome Catania')).toEqual(['sqc8b49rny0', null, 'sqdtr74hyu0']);
    expect(await run('geopos none a')).toEqual([null]);
  });
});

describe('a search for places', () => {
  it('looks in circles and boxes', async () => {
    expect(await run('geosearch Sicily fromlonlat 15 37 byradius 200 km asc')).toEqual([
      'Catania',
      'Agrigento',
      'Palermo',
    ]);
    expect(await run('geosearch Sicily frommember Palermo bybox 100 200 km desc')).toEqual([
      'Agrigento',
      'Palermo',
    ]);
    expect(await run('geosearch none frommember x byradius 1 km')).toEqual([]);
  });

  it('takes the last of what is said twice', async () => {
    const twice = 'frommember Catania frommember Palermo byradius 1 km byradius 100 km asc';
    expect(await run(`geosearch Sicily ${twice}`)).toEqual(['Palermo', 'Agrigento']);
    expect(await run(`geosearchstore near Sicily ${twice}`)).toBe(2);
    const boxes = 'fromlonlat 1 1 fromlonlat 15 37 bybox 1 1 km bybox 200 200 km asc';
    expect(await run(`geosearch Sicily ${boxes}`)).toEqual(['Catania']);
  });

  it('tells what it is asked for', async () => {
    expect(
      await run('geosearch Sicily fromlonlat 15 37 byradius 100 km withcoord withdist withhash'),
    ).toEqual([['Catania', '56.4413', 3479447370796909, ['15.08726745843887329', '37.50266842333162032']]]);
  });

  it('gives the nearest, or any', async () => {
    expect(await run('geosearch Sicily fromlonlat 15 37 byradius 500 km count 1')).toEqual(['Catania']);
    expect(await run('geosearch Sicily fromlonlat 15 37 byradius 500 km count 2 any')).toHaveLength(2);
  });

  it('stores geohashes or distances', async () => {
    expect(await run('geosearchstore to Sicily fromlonlat 15 37 byradius 100 km')).toBe(1);
    expect(await run('zrange to 0 -1 withscores')).toEqual(['Catania', '3479447370796909']);
    expect(await run('geosearchstore to Sicily fromlonlat 15 37 byradius 100 km storedist')).toBe(1);
    expect(Number(await run('zscore to Catania'))).toBeCloseTo(56.4413, 3);
    expect(await run('geosearchstore to Sicily fromlonlat 0 0 byradius 1 km')).toBe(0);
    expect(await run('exists to')).toBe(0);
  });

  it('has older forms', async () => {
    expect(await run('georadius Sicily 15 37 100 km withdist')).toEqual([['Catania', '56.4413']]);
    expect(await run('georadius_ro Sicily 15 37 100 km')).toEqual(['Catania']);
    expect(await run('georadiusbymember Sicily Agrigento 100 km asc')).toEqual(['Agrigento', 'Palermo']);
    expect(await run('georadiusbymember_ro Sicily Agrigento 100 km desc')).toEqual(['Palermo', 'Agrigento']);
    expect(await run('georadius Sicily 15 37 200 km store to')).toBe(3);
    expect(await run('georadiusbymember Sicily Palermo 100 km storedist to')).toBe(2);
    expect(await run('zscore to Palermo')).toBe('0');
    expect(await run('command getkeys georadius Sicily 15 37 200 km store to')).toEqual(['Sicily', 'to']);
  });
});

describe('bad arguments of places', () => {
  it.each([
    ['geoadd g 200 1 a', 'ERR invalid longitude,latitude pair 200.000000,1.000000'],
    ['geoadd g 1 86 a', 'ERR invalid longitude,latitude pair 1.000000,86.000000'],
    ['geoadd g nx xx 1 1 a', 'ERR syntax error'],
    ['geoadd g 1 1 a 2', 'ERR syntax error'],
    ['geoadd g a 1 b', 'ERR value is not a valid float'],
    ['geodist Sicily Palermo Catania xx', 'ERR unsupported unit provided. please use M, KM, FT, MI'],
    ['geodist Sicily Palermo Catania m m', 'ERR syntax error'],
    ['geosearch Sicily frommember Rome byradius 1 km', 'ERR could not decode requested zset member'],
    ['geosearch Sicily frommember Palermo fromlonlat 1 1 byradius 1 km', 'ERR syntax error'],
    ['geosearch Sicily fromlonlat 1 1 frommember Palermo byradius 1 km', 'ERR syntax error'],
    ['geosearch Sicily fromlonlat 1 1 byradius 1 km bybox 1 1 km', 'ERR syntax error'],
    ['geosearch Sicily fromlonlat 1 1 bybox 1 1 km byradius 1 km', 'ERR syntax error'],
    ['geosearch Sicily fromlonlat 1 1 byradius -1 km', 'ERR radius cannot be negative'],
    ['geosearch Sicily fromlonlat 1 1 byradius x km', 'ERR need numeric radius'],
    ['geosearch Sicily fromlonlat 1 1 bybox x 1 km', 'ERR need numeric width'],
    ['geosearch Sicily fromlonlat 1 1 bybox 1 x km', 'ERR need numeric height'],
    ['geosearch Sicily fromlonlat 1 1 bybox 1 -1 km', 'ERR height or width cannot be negative'],
    [
      'geosearch Sicily byradius 1 km asc withdist',
      'ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for geosearch',
    ],
    [
      'geosearch Sicily fromlonlat 1 1 asc withdist',
      'ERR exactly one of BYRADIUS and BYBOX can be specified for geosearch',
    ],
    ['geosearch Sicily fromlonlat 1 1 byradius 1 km any', 'ERR the ANY argument requires COUNT argument'],
    ['geosearch Sicily fromlonlat 1 1 byradius 1 km count 0', 'ERR COUNT must be > 0'],
    [
      'geosearchstore d Sicily fromlonlat 1 1 byradius 1 km withdist',
      'ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options',
    ],
    [
      'georadius Sicily 1 1 1 km store d withdist',
      'ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options',
    ],
    ['georadius_ro Sicily 1 1 1 km store d', 'ERR syntax error'],
    ['geopos str a', 'WRONGTYPE Operation against a key holding the wrong kind of value'],
  ])('%s', async (line, error) => {
    expect(await run(line)).toBe(error);
  });
});
