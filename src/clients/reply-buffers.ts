import type { Client } from './client.js';

/** After so many ms with little to say, a client's reply buffer is halved. */
const defaultPeakResetMs = 5000;

/** Fits the size of each client's reply buffer to what it reads: `ReplyWriter.adaptBuffer`. */
export class ReplyBuffers {
  /** Changes since the start or the last reset. */
  shrinks = 0;
  expands = 0;
  /** DEBUG REPLYBUFFER: Infinity for never. */
  peakResetMs = defaultPeakResetMs;
  resizing = true;
  private lastReset = 0;

  /** To be called periodically, with the time in ms. */
  adapt(clients: Iterable<Client>, now: number): void {
    if (!this.resizing) return;
    // Timers ring a little early or late.
    const mayShrink = now - this.lastReset >= this.peakResetMs * 0.9;
    if (mayShrink) this.lastReset = now;
    for (const { reply } of clients) {
      const outcome = reply.adaptBuffer(mayShrink);
      if (outcome === 'shrunk') this.shrinks++;
      else if (outcome === 'grown') this.expands++;
    }
  }

  resetPeakTime(): void {
    this.peakResetMs = defaultPeakResetMs;
  }
}
