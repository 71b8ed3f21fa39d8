import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { Config } from '../../src/config/config.js';
import { OomScore } from '../../src/server/oom-score.js';
import { recordingLog } from '../support/recording-log.js';

const folder = mkdtempSync(join(tmpdir(), 'respite-oom-'));
const file = join(folder, 'oom_score_adj');
afterAll(() => rmSync(folder, { recursive: true }));

let lines: string[];
let config: Config;
beforeEach(() => {
  lines = [];
  config = new Config();
  writeFileSync(file, '22\n');
});

function oomScore(path = file): OomScore {
  const log = recordingLog((line) => lines.push(line));
  return new OomScore(config, log, path);
}

const score = () => readFileSync(file, 'latin1');

describe('oom-score-adj', () => {
  it('leaves the score of the process alone by default', () => {
    oomScore('/nowhere/oom_score_adj');
    config.set([['oom-score-adj-values', '1 2 3']]);
    expect(lines).toEqual([]);
  });

  it('adds the score of the role to that of the process, and takes it away again', () => {
    const scores = oomScore();
    config.set([['oom-score-adj-values', '10 20 30']]);
    config.set([['oom-score-adj', 'yes']]);
    expect(score()).toBe('32\n');
    config.set([['oom-score-adj-values', '15 20 30']]);
    expect(score()).toBe('37\n');
    scores.roleChanged(true);
    expect(score()).toBe('42\n');
    scores.roleChanged(false);
    expect(score()).toBe('37\n');
    config.set([['oom-score-adj', 'no']]);
    expect(score()).toBe('22\n');
  });

  it('can be the score itself, within its limits, and is obeyed at the start', () => {
    config.load('oom-score-adj absolute\noom-score-adj-values 9 -1500 0');
    const scores = oomScore();
    expect(score()).toBe('9\n');
    scores.roleChanged(true);
    expect(score()).toBe('-1000\n');
  });

  it('is refused where it cannot be, and stays as it was', () => {
    oomScore('/nowhere/oom_score_adj');
    expect(() => config.set([['oom-score-adj', 'yes']])).toThrow('Failed to set current oom_score_adj.');
    expect(config.values['oom-score-adj']).toBe('no');
    expect(lines[0]).toContain('# Unable to change oom_score_adj: No such file or directory');
  });
});
