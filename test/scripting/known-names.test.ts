import { expect, it } from 'vitest';
import { ManualClock } from '../../src/ambient/clock.js';
import { Bytes } from '../../src/bytes/bytes.js';
import { KnownNames } from '../../src/scripting/known-names.js';
import { GcCommand } from '../../src/scripting/lua/exports.js';
import { LuaState } from '../../src/scripting/lua/lua-state.js';

it('never takes a string for another that lay where it lies', () => {
  const lua = new LuaState(new ManualClock(), 2 ** 24);
  const names = new KnownNames<string>(lua);
  const name = new Bytes();
  let found = 0;
  for (let round = 0; round < 20; round++) {
    for (let i = 0; i < 700; i++) {
      const text = `name ${(i * 37) % 700}`;
      lua.pushLatin1(text);
      lua.toBytes(-1, name);
      const known = names.find(name);
      if (known === undefined) names.learn(name, text, lua.L, -1);
      else expect(known).toBe(text);
      if (known !== undefined) found++;
      lua.pop();
    }
    lua.gc(GcCommand.collect);
  }
  expect(found).toBeGreaterThan(1000);
});
