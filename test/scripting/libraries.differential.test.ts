import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeResults, evaluate, libraryMachine } from '../support/lua-libraries.js';
import { describeWithRedisServer, type SpawnedServer, startRedisServer } from '../support/redis-server.js';
import { LibraryCases } from './library-generator.js';
import { recordedCases } from './recorded-cases.js';

/** More, and another seed, by hand: LUA_CASES=100000 LUA_SEED=2 npx vitest run test/scripting/libraries */
const count = Number(process.env.LUA_CASES ?? 600);
const seed = Number(process.env.LUA_SEED ?? 1);

/** The sign of NaN is the processor's affair; the C library shows a null pointer in its own way. */
const comparable = (text: string) =>
  text.replaceAll('-nan', 'nan').replaceAll('userdata: (nil)', 'userdata: 0');

describeWithRedisServer('libraries of scripts beside redis-server', () => {
  let server: SpawnedServer;
  let redis: Redis;

  beforeAll(async () => {
    server = await startRedisServer();
    redis = new Redis(server.port);
  });
  afterAll(async () => {
    await redis.quit();
    await server.stop();
  });

  const ask = async (code: string) =>
    ((await redis.callBuffer('EVAL', describeResults, 0, Buffer.from(code, 'latin1'))) as Buffer).toString(
      'latin1',
    );

  it('the recorded answers are those of redis-server', async () => {
    const answers = [];
    for (const [code] of recordedCases) answers.push([code, await ask(code)]);
    expect(answers).toEqual(recordedCases);
  });

  const groups = Object.keys(new LibraryCases(0).groups) as (keyof LibraryCases['groups'])[];
  it.each(groups)(
    `${count} generated cases of %s`,
    async (group) => {
      const cases = new LibraryCases(seed);
      const lua = libraryMachine();
      for (let i = 0; i < count; i++) {
        const code = cases.groups[group]();
        const theirs = comparable(await ask(code));
        const ours = comparable(evaluate(lua, code));
        expect(ours, `case ${i}: ${JSON.stringify(code)}`).toBe(theirs);
      }
    },
    120_000,
  );
});
