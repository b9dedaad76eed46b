// Owns the types of the documents. Generated from schemas/*.schema.json by `npm run generate`: change those instead.

/**
 * One immutable version of a model: what it is, its files for each platform, what it needs and how it is tested. Signed as a whole; lies at `models/<model>/<version>.yaml`.
 */
export interface ModelManifest {
  /**
   * The version of Slipway's documents that this one is written for.
   */
  readonly apiVersion: 'slipway.dev/v1alpha1';
  /**
   * What this document is.
   */
  readonly kind: 'ModelManifest';
  readonly metadata: ModelMetadata;
  /**
   * What the version is made of.
   */
  readonly spec: {
    /**
     * Format of the model file.
     */
    readonly framework: string;
    /**
     * Where the version comes from.
     */
    readonly lineage?: {
      /**
       * Version of the same model that this one was trained from.
       */
      readonly parent?: string;
      /**
       * Version of the training data.
       */
      readonly data?: string;
      /**
       * Version of the training code, such as a commit.
       */
      readonly code?: string;
      /**
       * Link to the training run.
       */
      readonly run?: string;
      /**
       * How the training went.
       */
      readonly training?: {
        /**
         * Rounds of training, such as federated ones.
         */
        readonly rounds?: number;
        /**
         * Participants of federated training.
         */
        readonly participants?: number;
        /**
         * Figures of convergence by name.
         */
        readonly convergence?: {
          /**
           * A figure.
           */
          readonly [k: string]: number;
        };
      };
    };
    /**
     * Offline metrics by name, measured before publication.
     */
    readonly metrics?: {
      /**
       * A figure.
       */
      readonly [k: string]: number;
    };
    readonly interface: ModelInterface;
    /**
     * When an answer counts as one.
     */
    readonly confidence?: {
      /**
       * Answers with a lower confidence count as "unknown" (0 to 1).
       */
      readonly least: number;
    };
    /**
     * The version's files for each platform, the most special first.
     *
     * @minItems 1
     * @maxItems 64
     */
    readonly variants: readonly Variant[];
    readonly compatibility?: Compatibility;
    /**
     * What it needs on the device beyond its files.
     */
    readonly resources?: {
      /**
       * Memory at work, in bytes.
       */
      readonly memoryBytes?: number;
      /**
       * Disk at work, in bytes.
       */
      readonly diskBytes?: number;
    };
    /**
     * Examples with known answers: the self-test on the device.
     *
     * @maxItems 100
     */
    readonly examples?: readonly ModelExample[];
    /**
     * Parameters with their defaults; a rollout may set others.
     */
    readonly parameters?: {
      /**
       * A value that the model's host reads.
       */
      readonly [k: string]: string | number | boolean;
    };
    readonly health?: HealthLimits;
  };
}
/**
 * Which model and version this is.
 */
export interface ModelMetadata {
  /**
   * Name of the model. Lower-case letters, digits, `.`, `_` and `-`; at most 63.
   */
  readonly name: string;
  /**
   * The version: free-form, but a safe file name. Quote it where YAML would read a number.
   */
  readonly version: string;
  /**
   * What this version is, for people.
   */
  readonly description?: string;
  /**
   * Who answers for it: a person or a team.
   */
  readonly owner?: string;
  /**
   * What it is used for.
   */
  readonly useCase?: string;
}
/**
 * Tensors that go in and come out. Where versions are SemVer, a change needs a major step.
 */
export interface ModelInterface {
  /**
   * Input tensors.
   *
   * @minItems 1
   * @maxItems 64
   */
  readonly inputs: readonly InputTensor[];
  /**
   * Output tensors.
   *
   * @minItems 1
   * @maxItems 64
   */
  readonly outputs: readonly OutputTensor[];
}
/**
 * One input tensor.
 */
export interface InputTensor {
  /**
   * Name of the tensor, as the model file has it.
   */
  readonly name: string;
  /**
   * Element type: the Open Inference Protocol's, in lower case and spelt out.
   */
  readonly type:
    | 'bool'
    | 'uint8'
    | 'uint16'
    | 'uint32'
    | 'uint64'
    | 'int8'
    | 'int16'
    | 'int32'
    | 'int64'
    | 'float16'
    | 'float32'
    | 'float64'
    | 'bytes';
  /**
   * Size of each dimension; -1 where any size will do, such as the batch.
   *
   * @maxItems 8
   *
   * Items: Size of one dimension, or -1 for any.
   */
  readonly shape: readonly number[];
}
/**
 * One output tensor.
 */
export interface OutputTensor {
  /**
   * Name of the tensor, as the model file has it.
   */
  readonly name: string;
  /**
   * Element type: the Open Inference Protocol's, in lower case and spelt out.
   */
  readonly type:
    | 'bool'
    | 'uint8'
    | 'uint16'
    | 'uint32'
    | 'uint64'
    | 'int8'
    | 'int16'
    | 'int32'
    | 'int64'
    | 'float16'
    | 'float32'
    | 'float64'
    | 'bytes';
  /**
   * Size of each dimension; -1 where any size will do, such as the batch.
   *
   * @maxItems 8
   *
   * Items: Size of one dimension, or -1 for any.
   */
  readonly shape: readonly number[];
  /**
   * Names of the classes, in the order of the last dimension. Gives the class histogram its names.
   *
   * @maxItems 10000
   *
   * Items: Name of one class.
   */
  readonly classes?: readonly string[];
}
/**
 * The files of the version for one platform. A device takes the first variant that fits it.
 */
export interface Variant {
  /**
   * Operating system and architecture as in container images, or `any`.
   */
  readonly platform: string;
  /**
   * What the device must have besides, such as an NPU; all of them.
   *
   * @maxItems 32
   *
   * Items: One capability tag.
   */
  readonly capabilities?: readonly string[];
  /**
   * Numeric precision of the weights, for people and reports.
   */
  readonly precision?: string;
  /**
   * The variant's files.
   *
   * @minItems 1
   * @maxItems 32
   */
  readonly files: readonly ModelFile[];
}
/**
 * One file of a variant.
 */
export interface ModelFile {
  /**
   * What the file is for. Each variant has exactly one `model`.
   */
  readonly role: 'model' | 'labels' | 'preprocess' | 'postprocess';
  /**
   * File name on the device; no folders.
   */
  readonly name: string;
  /**
   * Digest of the file's bytes; the device refuses any others. `sha256:` and 64 hexadecimal digits.
   */
  readonly digest: `sha256:${string}`;
  /**
   * Size in bytes; the device refuses to read more.
   */
  readonly sizeBytes: number;
  /**
   * Where the file lies: absolute (http or https), or relative to the distribution's base.
   */
  readonly url: string;
}
/**
 * What a device must be; one that isn't refuses the version and says which clause failed.
 */
export interface Compatibility {
  /**
   * Range of agent versions.
   */
  readonly agent?: string;
  /**
   * Range of firmware versions.
   */
  readonly firmware?: string;
  /**
   * Range of versions of the inference code around the model.
   */
  readonly inferenceCode?: string;
  /**
   * Device groups that may run it; none given: all.
   *
   * @maxItems 200
   *
   * Items: Name of a group.
   */
  readonly groups?: readonly string[];
  /**
   * Features that the device must report, such as a sensor.
   *
   * @maxItems 64
   *
   * Items: Name of a feature.
   */
  readonly features?: readonly string[];
}
/**
 * An example with a known answer, run on the device before the version may serve.
 */
export interface ModelExample {
  /**
   * What the example shows, in words.
   */
  readonly name: string;
  /**
   * Values of each input tensor by its name.
   */
  readonly inputs: {
    /**
     * Values in row-major order, a dimension of -1 counting as 1.
     *
     * @maxItems 20000
     *
     * Items: One element.
     */
    readonly [k: string]: readonly (number | string | boolean)[];
  };
  /**
   * What must come out: a class, outputs, or both.
   */
  readonly expect: {
    /**
     * The most probable class.
     */
    readonly class?: string;
    /**
     * Values of output tensors by name.
     */
    readonly outputs?: {
      /**
       * Values in row-major order, a dimension of -1 counting as 1.
       *
       * @maxItems 20000
       *
       * Items: One element.
       */
      readonly [k: string]: readonly (number | string | boolean)[];
    };
    /**
     * Largest allowed difference of any output value. Default 0.01.
     */
    readonly tolerance?: number;
  };
}
/**
 * Limits of the trial on each device: a breach switches the device back by itself.
 */
export interface HealthLimits {
  /**
   * The trial ends at the first of these.
   */
  readonly warmUp?: {
    /**
     * Length of the trial. Default 1h. A number with ms, s, m, h, d or w.
     */
    readonly duration?: string;
    /**
     * Inferences of the trial. Default 1000.
     */
    readonly inferences?: number;
  };
  /**
   * Most of the inferences that may fail. Default 1%. A percentage.
   */
  readonly errorRate?: string;
  /**
   * Most of the answers that may be unknown. Default 10%. A percentage.
   */
  readonly unknownRate?: string;
  /**
   * Highest 95th percentile of the latency. Default: twice that of the version before. A number with ms, s, m, h, d or w.
   */
  readonly latencyP95?: string;
}

/**
 * Who may sign models and policies, and which keys are the reconciler's. Lies outside the manifests repository: whoever can push there must not be able to widen it.
 */
export interface TrustPolicyDocument {
  /**
   * The version of Slipway's documents that this one is written for.
   */
  readonly apiVersion: 'slipway.dev/v1alpha1';
  /**
   * What this document is.
   */
  readonly kind: 'TrustPolicy';
  /**
   * How people refer to this document; optional.
   */
  readonly metadata?: {
    /**
     * Name of the trust policy. Lower-case letters, digits, `.`, `_` and `-`; at most 63.
     */
    readonly name?: string;
  };
  /**
   * Signers and the reconciler's keys.
   */
  readonly spec: {
    /**
     * File with the Sigstore trusted root, for keyless signers. Relative to this document.
     */
    readonly trustedRoot?: string;
    /**
     * Who may sign models and policies.
     *
     * @maxItems 256
     */
    readonly signers?: readonly TrustedSigner[];
    /**
     * Keys that sign evidence and commits.
     *
     * @maxItems 16
     */
    readonly reconciler?: readonly ReconcilerKey[];
  };
}
/**
 * Who may sign what: one of `key`, `publicKey` and `keyless`.
 */
export interface TrustedSigner {
  /**
   * What people call the signer; shown with what it signed.
   */
  readonly name: string;
  /**
   * File with the public key (PEM). Relative to this document.
   */
  readonly key?: string;
  /**
   * The public key (PEM).
   */
  readonly publicKey?: string;
  readonly keyless?: KeylessIdentity;
  /**
   * From then on nothing new is admitted; what was admitted stays valid. ISO 8601 with a time zone.
   */
  readonly notAfter?: string;
  /**
   * true: nothing that it ever signed is trusted. Default false.
   */
  readonly revoked?: boolean;
  /**
   * Models that it may sign; `*` stands for any characters. Default: none.
   *
   * @maxItems 200
   *
   * Items: A name, or a pattern with `*`.
   */
  readonly models?: readonly string[];
  /**
   * Policies that it may sign; `*` stands for any characters. Default: none.
   *
   * @maxItems 200
   *
   * Items: A name, or a pattern with `*`.
   */
  readonly policies?: readonly string[];
}
/**
 * The identity in Sigstore's certificates.
 */
export interface KeylessIdentity {
  /**
   * Issuer of the identity token.
   */
  readonly issuer: string;
  /**
   * The identity, exactly.
   */
  readonly identity?: string;
  /**
   * A regular expression that the whole identity must match.
   */
  readonly identityPattern?: string;
}
/**
 * One of `key` and `publicKey`.
 */
export interface ReconcilerKey {
  /**
   * File with the public key (PEM). Relative to this document.
   */
  readonly key?: string;
  /**
   * The public key (PEM).
   */
  readonly publicKey?: string;
}
