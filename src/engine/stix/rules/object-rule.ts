import {
  flag,
  inOrder,
  integer,
  type Kind,
  language,
  list,
  record,
  ref,
  type Shape,
  stamp,
  text,
  url,
  hashes,
} from './kind.ts'
import { quote } from './fault.ts'

/** What holds of one type of object beyond the common properties. */
export type ObjectRule = Shape & { readonly section: string }

/** §2.5 */
export const externalReference: Kind = record({
  required: { source_name: text },
  optional: { description: text, url, hashes, external_id: text },
  some: ['description', 'url', 'external_id'],
  extra(value, at) {
    const { source_name: source, external_id: id } = value
    const form = source === 'cve' ? /^CVE-\d{4}-\d{4,19}$/ : source === 'capec' ? /^CAPEC-\d{1,19}$/ : undefined
    if (form !== undefined && !(typeof id === 'string' && form.test(id))) {
      at.by('2.5').error('format', `${quote(source)} needs an external_id of its form`)
    }
  },
})

/** §2.11 */
export const killChainPhase: Kind = record({ required: { kill_chain_name: text, phase_name: text } })

/** §7.2.3; selectors are followed where the whole object is at hand. */
const granularMarking: Kind = record({
  required: { selectors: list(text) },
  optional: { lang: language, marking_ref: ref('marking-definition') },
  extra(value, at) {
    if ('lang' in value === 'marking_ref' in value) {
      at.by('7.2.3').error('combination', 'exactly one of lang and marking_ref is required')
    }
  },
})

const MARKINGS = {
  object_marking_refs: list(ref('marking-definition')),
  granular_markings: list(granularMarking),
}

/** Common properties of SDOs, SROs, language content and extension definitions (§3.2). */
export const VERSIONED: Shape = {
  required: { type: text, spec_version: version(), id: text, created: stamp, modified: stamp },
  optional: {
    created_by_ref: ref('identity'),
    revoked: flag,
    labels: list(text),
    confidence: integer(0, 100),
    lang: language,
    external_references: list(externalReference),
    extensions: () => {},
    ...MARKINGS,
  },
  extra: (value, at) => inOrder(value, at.by('3.6'), 'created', 'modified'),
}

/** Markings have no versions (§7.2.1). */
export const UNVERSIONED: Shape = {
  required: { type: text, spec_version: version(), id: text, created: stamp },
  optional: {
    created_by_ref: ref('identity'),
    external_references: list(externalReference),
    extensions: () => {},
    ...MARKINGS,
  },
}

/** Common properties of SCOs (§3.2). */
export const OBSERVABLE: Shape = {
  required: { type: text, id: text },
  optional: { spec_version: version(), defanged: flag, extensions: () => {}, ...MARKINGS },
}

function version(): Kind {
  return (value, at) => {
    if (value !== '2.1') at.by('3.2').error('vocabulary', `expected "2.1", got ${quote(value)}`)
  }
}
