// Owns the device's facts: labels and properties for selectors and reports, and the circumstances of a refusal.
import { arch, platform } from 'node:process';
import type { Labels } from '../../src/contract/bound-labels.ts';
import { digestOfJson } from '../../src/contract/digest.ts';
import { MOST_LABELS } from '../../src/contract/report-reader.ts';
import type { DeviceFacts } from '../../src/contract/selector.ts';
import { AGENT_VERSION, type AgentOptions } from './agent-options.ts';
import { freeBytesOf } from './record/disk-reserve.ts';
import type { Circumstances } from './update/update-step.ts';

/** Node's name of this platform as manifests write it (`linux/amd64`). */
function platformOf(os: string, arch: string): string {
  const platforms: Readonly<Record<string, string>> = { win32: 'windows' };
  const architectures: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };
  return `${platforms[os] ?? os}/${architectures[arch] ?? arch}`;
}

export class FactSource {
  readonly #options: AgentOptions;
  readonly #startMs: number;
  #freeBytes = 0;
  #tokenLabels: Labels = {};
  #documentedLabels: Labels = {};
  #held: Labels | undefined;

  constructor(options: AgentOptions) {
    this.#options = options;
    this.#startMs = options.clock.monotonicMs();
  }

  /** Labels that came with the enrolment; they win over the device's own. */
  takeEnrolledLabels(labels: Labels): void {
    this.#tokenLabels = labels;
  }

  /** Labels that the fleet documents give; they win over all others. */
  takeDocumentedLabels(labels: Labels): void {
    this.#documentedLabels = labels;
  }

  /** The labels that the device is judged by for as long as it can't take others over. */
  holdLabels(labels: Labels): void {
    this.#held = labels;
  }

  /** The labels as they are now: these are reported. */
  labels(): Labels {
    const bound = { ...this.#tokenLabels, ...this.#documentedLabels };
    const own = Object.entries(this.#options.labels).filter(([name]) => !Object.hasOwn(bound, name));
    return Object.fromEntries([...Object.entries(bound), ...own].slice(0, MOST_LABELS));
  }

  facts(): DeviceFacts {
    const { id, clock, properties = () => ({}) } = this.#options;
    const own = {
      platform: platformOf(platform, arch),
      agent: AGENT_VERSION,
      freeDiskBytes: this.#freeBytes,
      uptimeSeconds: Math.floor((clock.monotonicMs() - this.#startMs) / 1000),
    };
    return { id, labels: this.#held ?? this.labels(), properties: { ...own, ...properties() } };
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
