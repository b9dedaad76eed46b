// Owns the device's facts: labels and properties for selectors and reports, and the circumstances of a refusal.
import { arch, platform } from 'node:process';
import { digestOfJson } from '../../src/contract/digest.ts';
import type { DeviceFacts } from '../../src/contract/selector.ts';
import { AGENT_VERSION, type AgentOptions } from './agent-options.ts';
import { platformOf } from './model/choose-variant.ts';
import { freeBytesOf } from './record/disk-reserve.ts';
import type { Circumstances } from './update/update-step.ts';

export class FactSource {
  readonly #options: AgentOptions;
  readonly #startMs: number;
  #freeBytes = 0;
  #enrolledLabels: Readonly<Record<string, string>> = {};

  constructor(options: AgentOptions) {
    this.#options = options;
    this.#startMs = options.clock.monotonicMs();
  }

  /** Labels that the service gave; they win over the device's own. */
  takeEnrolledLabels(labels: Readonly<Record<string, string>>): void {
    this.#enrolledLabels = labels;
  }

  facts(): DeviceFacts {
    const { id, labels, clock, properties = () => ({}) } = this.#options;
    const own = {
      platform: platformOf(platform, arch),
      agent: AGENT_VERSION,
      freeDiskBytes: this.#freeBytes,
      uptimeSeconds: Math.floor((clock.monotonicMs() - this.#startMs) / 1000),
    };
    return { id, labels: { ...labels, ...this.#enrolledLabels }, properties: { ...own, ...properties() } };
  }

  /** Reads the free disk space, and fingerprints everything else that a refusal may depend on. */
  async circumstances(): Promise<Circumstances> {
    this.#freeBytes = await freeBytesOf(this.#options.folder);
    const { labels, properties } = this.facts();
    const { freeDiskBytes: _disk, uptimeSeconds: _uptime, ...lasting } = properties;
    const trustFingerprint = this.#options.trustFingerprint();
    const fingerprint = digestOfJson({ trustFingerprint, labels, lasting });
    return { fingerprint, freeBytes: this.#freeBytes, nowMs: this.#options.clock.now() };
  }
}
