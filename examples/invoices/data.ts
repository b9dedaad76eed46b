// Owns the made-up world of scanned documents: 24 features, six classes that overlap, receipts rare.
import { type RandomStream, seededRandom } from '../../src/base/random.ts';

export const DOCUMENT_CLASSES = ['invoice', 'receipt', 'contract', 'letter', 'order', 'photo'] as const;
export type DocumentClass = (typeof DOCUMENT_CLASSES)[number];

/** What a scanner would measure; `pages` is a whole number, the others are scaled to about one standard deviation. */
export const FEATURE_NAMES = [
  'pages',
  'wordsPerPage',
  'digitShare',
  'upperCaseShare',
  'currencySigns',
  'dates',
  'totals',
  'tableLines',
  'signatures',
  'stamps',
  'logoArea',
  'imageArea',
  'colours',
  'contrast',
  'skew',
  'margins',
  'lineLength',
  'fontSizes',
  'paragraphs',
  'salutations',
  'clauses',
  'barcodes',
  'paperRatio',
  'inkCoverage',
] as const;
export const FEATURE_COUNT = FEATURE_NAMES.length;
export const PAGES_FEATURE = 0;

export interface DocumentSample {
  /** In the order of FEATURE_NAMES. */
  readonly features: number[];
  /** Index into DOCUMENT_CLASSES. */
  readonly label: number;
}

interface ClassFacts {
  readonly name: DocumentClass;
  /** Share of the traffic. */
  readonly share: number;
  readonly meanPages: number;
  readonly mostPages: number;
}

const CLASS_FACTS: readonly ClassFacts[] = [
  { name: 'invoice', share: 0.34, meanPages: 2, mostPages: 40 },
  { name: 'receipt', share: 0.04, meanPages: 1, mostPages: 1 },
  { name: 'contract', share: 0.16, meanPages: 8, mostPages: 60 },
  { name: 'letter', share: 0.2, meanPages: 1.5, mostPages: 12 },
  { name: 'order', share: 0.16, meanPages: 1.5, mostPages: 12 },
  { name: 'photo', share: 0.1, meanPages: 1, mostPages: 1 },
];

/** How far class centres lie apart, in standard deviations of a feature: sets how much the classes overlap. */
const SEPARATION = 0.8;
/** How far a receipt lies from an invoice, in the same unit: a receipt is a small invoice. */
const RECEIPT_OFFSET = 0.95;

function drawNormal(random: RandomStream): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}

function drawPages(facts: ClassFacts, random: RandomStream): number {
  if (facts.meanPages === 1) return 1;
  const extra = Math.log(1 - random.next()) / Math.log(1 - 1 / facts.meanPages);
  return Math.min(facts.mostPages, 1 + Math.floor(extra));
}

/** The centres are the world, not the model: they never depend on the seed of a training. */
function drawCentres(): number[][] {
  const random = seededRandom('documents', 'class centres');
  const centres = CLASS_FACTS.map(() => Array.from({ length: FEATURE_COUNT }, () => SEPARATION * drawNormal(random)));
  const invoice = centres[DOCUMENT_CLASSES.indexOf('invoice')] ?? [];
  centres[DOCUMENT_CLASSES.indexOf('receipt')] = invoice.map((value) => value + RECEIPT_OFFSET * drawNormal(random));
  return centres;
}

const CENTRES = drawCentres();

function drawLabel(random: RandomStream): number {
  let rest = random.next();
  for (const [label, facts] of CLASS_FACTS.entries()) {
    rest -= facts.share;
    if (rest < 0) return label;
  }
  return CLASS_FACTS.length - 1;
}

/** One document as the traffic of a device brings it. */
export function sampleInput(random: RandomStream): DocumentSample {
  const label = drawLabel(random);
  const facts = CLASS_FACTS[label];
  const centre = CENTRES[label];
  if (facts === undefined || centre === undefined) throw new RangeError(`no class ${label}`);
  const features = centre.map((value) => value + drawNormal(random));
  features[PAGES_FEATURE] = drawPages(facts, random);
  return { features, label };
}

/** That many documents of one seeded stream. */
export function sampleDocuments(seed: string | number, purpose: string, count: number): DocumentSample[] {
  const random = seededRandom(seed, `documents for ${purpose}`);
  return Array.from({ length: count }, () => sampleInput(random));
}
