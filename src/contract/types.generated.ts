// Owns the types of the documents. Generated from schemas/*.schema.json by `npm run generate`: change those instead.

/**
 * One immutable version of a model: its interface, files for each platform, requirements and self-test. It is signed and stored at `models/<model>/<version>.yaml`.
 */
export interface ModelManifest {
  /**
   * Version of the document format.
   */
  readonly apiVersion: 'slipway.dev/v1alpha1';
  /**
   * Kind of the document.
   */
  readonly kind: 'ModelManifest';
  readonly metadata: ModelMetadata;
  /**
   * Content of the version.
   */
  readonly spec: {
    /**
     * Format of the model file.
     */
    readonly framework: string;
    /**
     * Origin of the version.
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
       * Facts about the training.
       */
      readonly training?: {
        /**
         * Number of training rounds, for example of federated training.
         */
        readonly rounds?: number;
        /**
         * Number of participants in federated training.
         */
        readonly participants?: number;
        /**
         * Convergence metrics by name.
         */
        readonly convergence?: {
          /**
           * Value of the metric.
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
       * Value of the metric.
       */
      readonly [k: string]: number;
    };
    readonly interface: ModelInterface;
    /**
     * Digest of the version's bill of materials, a CycloneDX ML-BOM that `slipway package --bom` writes beside the manifest. The signature of the manifest covers it. `sha256:` and 64 hexadecimal digits.
     */
    readonly bom?: `sha256:${string}`;
    /**
     * How confident an answer must be.
     */
    readonly confidence?: {
      /**
       * Answers with a lower confidence count as "unknown" (0 to 1).
       */
      readonly least: number;
    };
    /**
     * Files of the version for each platform, the most specific variant first.
     *
     * @minItems 1
     * @maxItems 64
     */
    readonly variants: readonly Variant[];
    readonly compatibility?: Compatibility;
    /**
     * Resources that the version needs on the device besides its files.
     */
    readonly resources?: {
      /**
       * Memory while running, in bytes.
       */
      readonly memoryBytes?: number;
      /**
       * Disk space while running, in bytes.
       */
      readonly diskBytes?: number;
    };
    /**
     * Examples with known answers. The device runs them as its self-test.
     *
     * @maxItems 100
     */
    readonly examples?: readonly ModelExample[];
    /**
     * Parameters with their defaults. A rollout may override them.
     */
    readonly parameters?: {
      /**
       * Value that the model host reads.
       */
      readonly [k: string]: string | number | boolean;
    };
    /**
     * What a rollout may set parameters to, by name. They are signed with the manifest, and devices refuse anything beyond them. Parameters without limits may have any value of their type.
     */
    readonly parameterLimits?: {
      readonly [k: string]: ParameterLimit;
    };
    readonly health?: HealthLimits;
  };
}
/**
 * Model and version.
 */
export interface ModelMetadata {
  /**
   * Name of the model. Lower-case letters, digits, `.`, `_` and `-`; at most 63.
   */
  readonly name: string;
  /**
   * The version, in any form that is a safe file name. Put it in quotes if YAML would read a number.
   */
  readonly version: string;
  /**
   * Number of the version among those of its model; each new version has a higher one. `slipway sign` writes it. A device whose trust policy names the reconciler goes below the highest that it committed only by a step that the reconciler signed.
   */
  readonly sequence?: number;
  /**
   * Description of this version, for people.
   */
  readonly description?: string;
  /**
   * Person or team that owns the model.
   */
  readonly owner?: string;
  /**
   * Use case of the model.
   */
  readonly useCase?: string;
}
/**
 * Input and output tensors. If versions are SemVer, a changed interface needs a new major version.
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
   * Name of the tensor in the model file.
   */
  readonly name: string;
  /**
   * Element type, as in the Open Inference Protocol but in lower case and spelt out.
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
   * Size of each dimension; -1 allows any size, for example for the batch.
   *
   * @maxItems 8
   *
   * Items: Size of one dimension, or -1 for any size.
   */
  readonly shape: readonly number[];
}
/**
 * One output tensor.
 */
export interface OutputTensor {
  /**
   * Name of the tensor in the model file.
   */
  readonly name: string;
  /**
   * Element type, as in the Open Inference Protocol but in lower case and spelt out.
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
   * Size of each dimension; -1 allows any size, for example for the batch.
   *
   * @maxItems 8
   *
   * Items: Size of one dimension, or -1 for any size.
   */
  readonly shape: readonly number[];
  /**
   * Class names, in the order of the scores in a row. A row must hold one score for each class. The class histogram uses them.
   *
   * @maxItems 10000
   *
   * Items: Name of one class.
   */
  readonly classes?: readonly string[];
  /**
   * Number of classes whose names stand in the variant's `labels` file, one a line, in place of `classes`.
   */
  readonly classCount?: number;
  /**
   * Meaning of the scores: `probabilities` from 0 to 1 (default), or `logits`, of which the agent takes the softmax for the confidence.
   */
  readonly scores?: 'probabilities' | 'logits';
  /**
   * Meaning of the output where it is not classes, so that devices sum it up and rules compare it: `scalar`, one number an answer; `embedding`, one vector; `detections`, their number, or scores of which those of at least `confidence.least` count; `text`, the text (`bytes`), or tokens that the application decodes and tells of. `classes`: as `classes` or `classCount` say. Default: nothing is summed up but classes.
   */
  readonly kind?: 'scalar' | 'embedding' | 'detections' | 'text' | 'classes';
  /**
   * A typical value of a scalar, or a typical length of an embedding's vectors: differences to it are told apart to 5%. Default 0, which is right for values that spread around zero or over orders of magnitude, such as prices; for values such as 1000 ± 5 write 1000. Versions with different centres can't be compared, so keep it.
   */
  readonly centre?: number;
  /**
   * Name of the space of an embedding. Versions that name the same space promise that their vectors can be compared coordinate by coordinate; a training from scratch makes a new space. Without it only the lengths of the vectors are compared.
   */
  readonly space?: string;
}
/**
 * Files of the version for one platform. A device uses the first variant that matches it.
 */
export interface Variant {
  /**
   * Operating system and architecture as in container images, or `any`.
   */
  readonly platform: string;
  /**
   * Capabilities that the device must also have, such as an NPU.
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
   * Role of the file. Each variant has exactly one `model`. `data` is a file with weights, under the name by which the model file refers to it; `labels` has a class name on each line.
   */
  readonly role: 'model' | 'data' | 'labels' | 'preprocess' | 'postprocess';
  /**
   * File name on the device, without folders.
   */
  readonly name: string;
  /**
   * Digest of the file. The device refuses a file with another digest. `sha256:` and 64 hexadecimal digits.
   */
  readonly digest: `sha256:${string}`;
  /**
   * Size in bytes. The device refuses to read more.
   */
  readonly sizeBytes: number;
  /**
   * Address of the file, without secrets: absolute (http or https), in a private bucket (`s3://bucket/key`), or relative to the publication.
   */
  readonly url: string;
}
/**
 * Requirements on the device. A device that does not meet them refuses the version and reports the failed requirement.
 */
export interface Compatibility {
  /**
   * Range of compatible agent versions.
   */
  readonly agent?: string;
  /**
   * Range of compatible firmware versions.
   */
  readonly firmware?: string;
  /**
   * Range of compatible versions of the inference code that uses the model.
   */
  readonly inferenceCode?: string;
  /**
   * Device groups that may run the version. Default: all.
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
 * Example with a known answer. The device runs it before the version may serve.
 */
export interface ModelExample {
  /**
   * Name of the example, for people.
   */
  readonly name: string;
  /**
   * Values of each input tensor, by name.
   */
  readonly inputs: {
    /**
     * Values in row-major order. A dimension of -1 counts as 1 unless `shapes` states it. 64-bit integers beyond 9007199254740991 are written as text.
     *
     * @maxItems 20000
     *
     * Items: One element.
     */
    readonly [k: string]: readonly (number | string | boolean)[];
  };
  /**
   * Shapes of tensors in this example, by name, where the interface leaves dimensions open.
   */
  readonly shapes?: {
    /**
     * Size of each dimension.
     *
     * @maxItems 8
     *
     * Items: Size of one dimension.
     */
    readonly [k: string]: readonly number[];
  };
  /**
   * Expected answer: a class, outputs, or both.
   */
  readonly expect: {
    /**
     * Most probable class.
     */
    readonly class?: string;
    /**
     * Values of output tensors, by name.
     */
    readonly outputs?: {
      /**
       * Values in row-major order. A dimension of -1 counts as 1 unless `shapes` states it. 64-bit integers beyond 9007199254740991 are written as text.
       *
       * @maxItems 20000
       *
       * Items: One element.
       */
      readonly [k: string]: readonly (number | string | boolean)[];
    };
    /**
     * Largest allowed difference of an output value. Default 0.001.
     */
    readonly tolerance?: number;
  };
}
/**
 * Limits of one parameter: a range of numbers, or the values that it may have.
 */
export interface ParameterLimit {
  /**
   * Lowest number.
   */
  readonly least?: number;
  /**
   * Highest number.
   */
  readonly most?: number;
  /**
   * Values.
   *
   * @minItems 1
   * @maxItems 100
   *
   * Items: A value.
   */
  readonly oneOf?: readonly (string | number | boolean)[];
}
/**
 * Limits of the trial on each device. A device that breaks one switches back by itself.
 */
export interface HealthLimits {
  /**
   * Length of the trial, which ends at the first of these limits.
   */
  readonly warmUp?: {
    /**
     * Longest time of the trial. Default 1h. A number with ms, s, m, h, d or w.
     */
    readonly duration?: string;
    /**
     * Most inferences in the trial. Default 1000.
     */
    readonly inferences?: number;
  };
  /**
   * Highest share of failed inferences. Default 1%. A percentage.
   */
  readonly errorRate?: string;
  /**
   * Highest share of unknown answers. Default 10%. A percentage.
   */
  readonly unknownRate?: string;
  /**
   * Highest 95th percentile of the latency. Default: twice the value of the version before on this device, but no less than 25ms. A number with ms, s, m, h, d or w.
   */
  readonly latencyP95?: string;
  /**
   * Highest mean latency. Default: none. A number with ms, s, m, h, d or w.
   */
  readonly latencyMean?: string;
  /**
   * Highest share of the device's processor time in use, in percent, and for how long it may be exceeded: 5m unless given. Default: none.
   */
  readonly maxCpuPercent?: number | string;
  /**
   * Highest share of the device's memory in use, in percent, and for how long it may be exceeded: 5m unless given. Default: none.
   */
  readonly maxMemoryPercent?: number | string;
  /**
   * Highest temperature of the device, and for how long it may be exceeded: 5m unless given. Default: none.
   */
  readonly maxTemperatureCelsius?: number | string;
}

/**
 * A key of the reconciler: either `key` or `publicKey`.
 */
export type ReconcilerKey = {
  /**
   * File with the public key (PEM). Relative to this document.
   */
  readonly key?: string;
  /**
   * The public key (PEM).
   */
  readonly publicKey?: string;
  /**
   * The key was replaced: what it signed until then stays verifiable by the time that it states, and devices take no step of it after that. ISO 8601 with a time zone.
   */
  readonly notAfter?: string;
} & ReconcilerKey1;
export type ReconcilerKey1 = {
  readonly [k: string]: unknown;
};

/**
 * Who may sign models and policies, and which keys belong to the reconciler. Keep this file outside the manifests repository, so that nobody who can push there can change it.
 */
export interface TrustPolicyDocument {
  /**
   * Version of the document format.
   */
  readonly apiVersion: 'slipway.dev/v1alpha1';
  /**
   * Kind of the document.
   */
  readonly kind: 'TrustPolicy';
  /**
   * Name of the document; optional.
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
     * File with the Sigstore trusted root, for keyless signers and for the log entries and timestamps of key signers. Relative to this document.
     */
    readonly trustedRoot?: string;
    /**
     * Signers of models and policies.
     *
     * @maxItems 256
     */
    readonly signers?: readonly TrustedSigner[];
    /**
     * Keys of the reconciler, which sign evidence and commits.
     *
     * @maxItems 16
     */
    readonly reconciler?: readonly ReconcilerKey[];
  };
}
/**
 * A signer, with exactly one of `key`, `publicKey` and `keyless`.
 */
export interface TrustedSigner {
  /**
   * Name of the signer, shown with its signatures.
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
   * After this time, nothing new by this signer is accepted. What was admitted before stays valid where something dates that: the reconciler's evidence, its signature in the directive, or a timestamp in the bundle. ISO 8601 with a time zone.
   */
  readonly notAfter?: string;
  /**
   * true: nothing by this signer starts any more, old or new. Devices go on serving what runs, but neither switch nor start into it while another proven version is there, and report it. Default false.
   */
  readonly revoked?: boolean;
  /**
   * Proofs that this signer's signatures must carry, checked against the trusted root: `log`, an entry in a transparency log; `timestamp`, a signed time. Keyless signatures always carry both. Default: none; what a signature carries is checked anyway.
   *
   * @maxItems 2
   *
   * Items: A proof.
   */
  readonly require?: readonly ('log' | 'timestamp')[];
  /**
   * Models that this signer may sign; `*` matches any characters. Default: none.
   *
   * @maxItems 200
   *
   * Items: A name, or a pattern with `*`.
   */
  readonly models?: readonly string[];
  /**
   * Policies that this signer may sign; `*` matches any characters. Default: none.
   *
   * @maxItems 200
   *
   * Items: A name, or a pattern with `*`.
   */
  readonly policies?: readonly string[];
}
/**
 * Identity in Sigstore certificates.
 */
export interface KeylessIdentity {
  /**
   * Issuer of the identity token.
   */
  readonly issuer: string;
  /**
   * The exact identity.
   */
  readonly identity?: string;
  /**
   * A pattern that the whole identity must fit: `*` is any text without `/` and `@`, `**` any text. It names the organisation in full, up to its slash, or a whole mail domain.
   */
  readonly identityPattern?: string;
}
