import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Handles } from '../../src/memory/handles.js';

it('gives every object a number of its own for as long as it is held', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom('add', 'set', 'remove'), fc.nat())), (steps) => {
      const handles = new Handles<number>();
      const model = new Map<number, number>();
      for (const [step, value] of steps) {
        const held = [...model.keys()];
        const number = held[value % held.length];
        if (step === 'add' || held.length === 0) {
          const added = handles.add(value);
          expect(model.has(added)).toBe(false);
          model.set(added, value);
        } else if (step === 'set') {
          handles.set(number, value);
          model.set(number, value);
        } else {
          expect(handles.remove(number)).toBe(model.get(number));
          model.delete(number);
        }
        expect(handles.size).toBe(model.size);
        for (const [key, expected] of model) expect(handles.get(key)).toBe(expected);
      }
    }),
  );
});

it('gives the numbers of removed objects out again', () => {
  const handles = new Handles<string>();
  handles.add('a');
  const b = handles.add('b');
  handles.add('c');
  handles.remove(b);
  expect(handles.add('d')).toBe(b);
});

it('forgets everything on clear', () => {
  const handles = new Handles<string>();
  handles.add('a');
  handles.clear();
  expect(handles.size).toBe(0);
  expect(handles.add('b')).toBe(0);
});
