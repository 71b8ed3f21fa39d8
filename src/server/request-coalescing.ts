import { performance } from 'node:perf_hooks';
import { blockThread } from '../ambient/block-thread.js';
import type { Clock } from '../ambient/clock.js';
import type { ServerApi } from '../commands/server-api.js';

/** A turn that answered so many clients needs no pause after it. */
const enoughAnswers = 6;
/** Pauses are tried where turns answer fewer clients than this on average. */
const fewAnswers = 4;
/** With fewer clients connected there is nothing to gather. */
const fewestClients = 16;
/** Turns are judged together, until they have answered so many clients ... */
const answersOfWindow = 512;
/** ... or, with pauses, so many µs have passed. */
const longestWindow = 50_000;
/** After so many windows with pauses comes one without, to compare with. */
const windowsBetweenLooks = 32;
/** At most so many windows are left out after pauses did not pay. */
const longestBackOff = 1024;
/** The server is busy if it has waited for at most this share of the time. */
const mostIdle = 0.3;
/** Pauses pay if turns become larger by this factor at least ... */
const leastGain = 1.5;
/** ... and not less than this share is answered in the same time ... */
const leastRate = 0.9;
/** ... and a pause takes no longer than this on average, in µs. Where the system's clock is coarse it may take 4 ms. */
const longestPause = 500;
/** ms, to which the kernel adds: it becomes 60 to 90 µs. */
const pauseLength = 0.01;

/** What request coalescing needs of its surroundings. */
export interface CoalescingHost {
  readonly clock: Clock;
  readonly clientCount: () => number;
  /** Time in ms that the event loop has waited for something to do since its start. */
  readonly idleTime: () => number;
  /** Puts the thread to sleep for less than a tenth of a millisecond. */
  readonly pause: () => void;
}

/** What the turns of one window came to. */
interface Window {
  answersPerTurn: number;
  /** Per µs. */
  answerRate: number;
  /** From 0 to 1. */
  idleShare: number;
  /** µs. */
  averagePause: number;
}

/**
 * Lets requests gather when the server is busy with very small turns of the event loop: a client program with many
 * connections hands over its requests one by one, the server takes up each as it comes, and more time goes into turns
 * than into requests. A pause of 60 to 90 µs after such a turn, as network cards make between interrupts, saves about
 * a tenth of the CPU time of a request, and may make a request wait that much longer (bench/run.mjs without
 * pipelines).
 *
 * Whether it pays is found out by trying: pauses go on as long as turns become larger by them and at least nine
 * tenths as many requests are answered as without. A server that has time to wait for requests makes none, nor one
 * whose turns are large.
 */
export class RequestCoalescing {
  /** Time in µs that all pauses took, and how many there were. */
  pausedMicroseconds = 0;
  pauses = 0;
  private active = true;
  /** While there are pauses: the window before them, to compare with. */
  private usual: Window | undefined;
  private windowsUntilLook = 0;
  private windowsToSkip = 0;
  private backOff = 1;
  /** Of the present window. */
  private turns = 0;
  private answers = 0;
  private began: number;
  private idleBefore: number;
  private pausesBefore = 0;
  private pausedBefore = 0;

  constructor(private readonly host: CoalescingHost) {
    this.began = host.clock.microseconds();
    this.idleBefore = host.idleTime();
  }

  set enabled(on: boolean) {
    this.active = on;
    this.usual = undefined;
    this.backOff = 1;
    this.windowsToSkip = 0;
  }

  /**
   * A turn of the event loop has ended, and its replies have left, to so many clients. Hot: called in each turn that
   * answers somebody.
   */
  readonly turnEnded = (answers: number): void => {
    this.turns++;
    this.answers += answers;
    if (this.usual !== undefined && answers < enoughAnswers) this.pause();
    if (this.answers >= answersOfWindow) this.endWindow(this.host.clock.microseconds());
  };

  private pause(): void {
    const { clock, pause } = this.host;
    const before = clock.microseconds();
    pause();
    const after = clock.microseconds();
    this.pauses++;
    this.pausedMicroseconds += after - before;
    if (after - this.began > longestWindow) this.endWindow(after);
  }

  private endWindow(now: number): void {
    const window = this.measure(now);
    if (this.usual === undefined) {
      if (this.begins(window)) this.usual = window;
    } else if (!this.goesOn(window, this.usual)) this.usual = undefined;
  }

  private measure(now: number): Window {
    const idle = this.host.idleTime();
    const elapsed = Math.max(now - this.began, 1);
    const window = {
      answersPerTurn: this.answers / this.turns,
      answerRate: this.answers / elapsed,
      idleShare: ((idle - this.idleBefore) * 1000) / elapsed,
      averagePause:
        (this.pausedMicroseconds - this.pausedBefore) / Math.max(this.pauses - this.pausesBefore, 1),
    };
    this.turns = this.answers = 0;
    this.began = now;
    this.idleBefore = idle;
    this.pausesBefore = this.pauses;
    this.pausedBefore = this.pausedMicroseconds;
    return window;
  }

  /** After a window without pauses: are they to be tried? */
  private begins(window: Window): boolean {
    if (this.windowsToSkip > 0) {
      this.windowsToSkip--;
      return false;
    }
    this.windowsUntilLook = windowsBetweenLooks;
    return (
      this.active &&
      window.answersPerTurn < fewAnswers &&
      window.idleShare <= mostIdle &&
      this.host.clientCount() >= fewestClients
    );
  }

  /** After a window with pauses: are there to be more? */
  private goesOn(window: Window, usual: Window): boolean {
    if (!pay(window, usual)) {
      this.windowsToSkip = this.backOff;
      this.backOff = Math.min(this.backOff * 2, longestBackOff);
      return false;
    }
    this.backOff = 1;
    this.windowsUntilLook--;
    return this.windowsUntilLook > 0;
  }
}

/** Does a window with pauses do better than the usual one? */
function pay({ answersPerTurn, answerRate, idleShare, averagePause }: Window, usual: Window): boolean {
  return (
    answersPerTurn >= leastGain * usual.answersPerTurn &&
    answerRate >= leastRate * usual.answerRate &&
    idleShare <= mostIdle &&
    averagePause <= longestPause
  );
}

/** For a server with a thread to itself, as `request-coalescing` says. */
export function coalesceRequests({
  clock,
  clients,
  config,
}: Pick<ServerApi, 'clock' | 'clients' | 'config'>): RequestCoalescing {
  const coalescing = new RequestCoalescing({
    clock,
    clientCount: () => clients.size,
    idleTime: () => performance.nodeTiming.idleTime,
    pause: () => blockThread(pauseLength),
  });
  coalescing.enabled = config.values['request-coalescing'];
  config.onChange('request-coalescing', (on) => {
    coalescing.enabled = on;
  });
  clients.onTurnEnd = coalescing.turnEnded;
  return coalescing;
}
