import { PatternError } from '../pattern/error.ts'
import { parsePattern } from '../pattern/parse.ts'
import type { Place } from './fault.ts'
import {
  flag,
  float,
  inOrder,
  instant,
  integer,
  isObject,
  type JsonObject,
  list,
  oneOf,
  open,
  ref,
  refExcept,
  text,
  typeOfId,
} from './kind.ts'
import { killChainPhase, type ObjectRule } from './object-rule.ts'

const texts = list(text)
const phases = list(killChainPhase)
const anything = list(ref())
const seen = (value: JsonObject, at: Place): void => inOrder(value, at, 'first_seen', 'last_seen')
/** What may stand at either end of a relationship or be sighted: no relations, no wrappers, no metadata (§5). */
const subject = refExcept('relationship', 'sighting', 'bundle', 'marking-definition', 'language-content')

/** Domain objects (STIX 2.1 §4). */
export const DOMAIN_OBJECTS: Readonly<Record<string, ObjectRule>> = {
  'attack-pattern': {
    section: '4.1',
    required: { name: text },
    optional: { description: text, aliases: texts, kill_chain_phases: phases },
  },
  campaign: {
    section: '4.2',
    required: { name: text },
    optional: { description: text, aliases: texts, first_seen: instant, last_seen: instant, objective: text },
    extra: seen,
  },
  'course-of-action': { section: '4.3', required: { name: text }, optional: { description: text } },
  grouping: {
    section: '4.4',
    required: { context: open('grouping-context-ov'), object_refs: anything },
    optional: { name: text, description: text },
  },
  identity: {
    section: '4.5',
    required: { name: text },
    optional: {
      description: text,
      roles: texts,
      identity_class: open('identity-class-ov'),
      sectors: list(open('industry-sector-ov')),
      contact_information: text,
    },
  },
  incident: { section: '4.6', required: { name: text }, optional: { description: text } },
  indicator: {
    section: '4.7',
    required: { pattern: text, pattern_type: open('pattern-type-ov'), valid_from: instant },
    optional: {
      name: text,
      description: text,
      indicator_types: list(open('indicator-type-ov')),
      pattern_version: text,
      valid_until: instant,
      kill_chain_phases: phases,
    },
    extra(value, at) {
      inOrder(value, at, 'valid_from', 'valid_until', true)
      if (value['pattern_type'] === 'stix' && typeof value['pattern'] === 'string') checkPattern(value['pattern'], at)
    },
  },
  infrastructure: {
    section: '4.8',
    required: { name: text },
    optional: {
      description: text,
      infrastructure_types: list(open('infrastructure-type-ov')),
      aliases: texts,
      kill_chain_phases: phases,
      first_seen: instant,
      last_seen: instant,
    },
    extra: seen,
  },
  'intrusion-set': {
    section: '4.9',
    required: { name: text },
    optional: {
      description: text,
      aliases: texts,
      first_seen: instant,
      last_seen: instant,
      goals: texts,
      resource_level: open('attack-resource-level-ov'),
      primary_motivation: open('attack-motivation-ov'),
      secondary_motivations: list(open('attack-motivation-ov')),
    },
    extra: seen,
  },
  location: {
    section: '4.10',
    optional: {
      name: text,
      description: text,
      latitude: float(-90, 90),
      longitude: float(-180, 180),
      precision: float(),
      region: open('region-ov'),
      country: countryCode,
      administrative_area: text,
      city: text,
      street_address: text,
      postal_code: text,
    },
    extra: place,
  },
  malware: {
    section: '4.11',
    required: { is_family: flag },
    optional: {
      name: text,
      description: text,
      malware_types: list(open('malware-type-ov')),
      aliases: texts,
      kill_chain_phases: phases,
      first_seen: instant,
      last_seen: instant,
      operating_system_refs: list(ref('software')),
      architecture_execution_envs: list(open('processor-architecture-ov')),
      implementation_languages: list(open('implementation-language-ov')),
      capabilities: list(open('malware-capabilities-ov')),
      sample_refs: list(ref('artifact', 'file')),
    },
    extra(value, at) {
      seen(value, at)
      if (value['is_family'] === true && !('name' in value)) at.at('name').error('missing', 'a family needs a name')
    },
  },
  'malware-analysis': {
    section: '4.12',
    required: { product: text },
    optional: {
      version: text,
      host_vm_ref: ref('software'),
      operating_system_ref: ref('software'),
      installed_software_refs: list(ref('software')),
      configuration_version: text,
      modules: texts,
      analysis_engine_version: text,
      analysis_definition_version: text,
      submitted: instant,
      analysis_started: instant,
      analysis_ended: instant,
      result_name: text,
      result: open('malware-result-ov'),
      analysis_sco_refs: anything,
      sample_ref: ref('artifact', 'file', 'network-traffic'),
    },
    some: ['result', 'analysis_sco_refs'],
    extra: (value, at) => inOrder(value, at, 'analysis_started', 'analysis_ended'),
  },
  note: {
    section: '4.13',
    required: { content: text, object_refs: anything },
    optional: { abstract: text, authors: texts },
  },
  'observed-data': {
    section: '4.14',
    required: { first_observed: instant, last_observed: instant, number_observed: integer(1, 999_999_999) },
    optional: { objects: inlineObjects, object_refs: anything },
    extra: observed,
  },
  opinion: {
    section: '4.15',
    required: {
      opinion: oneOf('strongly-disagree', 'disagree', 'neutral', 'agree', 'strongly-agree'),
      object_refs: anything,
    },
    optional: { explanation: text, authors: texts },
  },
  report: {
    section: '4.16',
    required: { name: text, published: instant, object_refs: anything },
    optional: { description: text, report_types: list(open('report-type-ov')) },
  },
  'threat-actor': {
    section: '4.17',
    required: { name: text },
    optional: {
      description: text,
      threat_actor_types: list(open('threat-actor-type-ov')),
      aliases: texts,
      first_seen: instant,
      last_seen: instant,
      roles: list(open('threat-actor-role-ov')),
      goals: texts,
      sophistication: open('threat-actor-sophistication-ov'),
      resource_level: open('attack-resource-level-ov'),
      primary_motivation: open('attack-motivation-ov'),
      secondary_motivations: list(open('attack-motivation-ov')),
      personal_motivations: list(open('attack-motivation-ov')),
    },
    extra: seen,
  },
  tool: {
    section: '4.18',
    required: { name: text },
    optional: {
      description: text,
      tool_types: list(open('tool-type-ov')),
      aliases: texts,
      kill_chain_phases: phases,
      tool_version: text,
    },
  },
  vulnerability: { section: '4.19', required: { name: text }, optional: { description: text } },
}

/** Relationship objects (STIX 2.1 §5). */
export const RELATIONSHIP_OBJECTS: Readonly<Record<string, ObjectRule>> = {
  relationship: {
    section: '5.1',
    required: { relationship_type: relationName, source_ref: subject, target_ref: subject },
    optional: { description: text, start_time: instant, stop_time: instant },
    extra: (value, at) => inOrder(value, at, 'start_time', 'stop_time', true),
  },
  sighting: {
    section: '5.2',
    required: { sighting_of_ref: subject },
    optional: {
      description: text,
      first_seen: instant,
      last_seen: instant,
      count: integer(0, 999_999_999),
      observed_data_refs: list(ref('observed-data')),
      where_sighted_refs: list(ref('identity', 'location')),
      summary: flag,
    },
    extra: seen,
  },
}

function checkPattern(pattern: string, at: Place): void {
  try {
    parsePattern(pattern)
  } catch (error) {
    if (!(error instanceof PatternError)) throw error
    at.at('pattern').by('9').error('pattern', error.message)
  }
}

function relationName(value: unknown, at: Place): void {
  text(value, at)
  if (typeof value === 'string' && !/^[a-z0-9-]+$/.test(value)) {
    at.error('name', 'expected lower-case letters, digits and hyphens')
  }
}

function countryCode(value: unknown, at: Place): void {
  text(value, at)
  if (typeof value === 'string' && !/^[A-Za-z]{2}$/.test(value)) {
    at.warning('format', 'expected two letters (ISO 3166-1 alpha-2)')
  }
}

function place(value: JsonObject, at: Place): void {
  const [latitude, longitude] = ['latitude' in value, 'longitude' in value]
  if (latitude !== longitude) at.error('combination', 'latitude and longitude come together')
  if ('precision' in value && !(latitude && longitude)) {
    at.at('precision').error('combination', 'precision needs latitude and longitude')
  }
  if (!('region' in value || 'country' in value || (latitude && longitude))) {
    at.error('combination', 'at least one of region, country, latitude with longitude is required')
  }
}

function inlineObjects(value: unknown, at: Place): void {
  at.warning('deprecated', 'use object_refs')
  if (!isObject(value)) return at.error('type', 'expected a dictionary of objects')
  if (Object.keys(value).length === 0) at.error('empty', 'must not be empty')
  for (const [key, object] of Object.entries(value)) {
    if (!isObject(object) || typeof object['type'] !== 'string')
      at.at(key).error('type', 'expected an object with a type')
  }
}

const NOT_OBSERVED = new Set([...Object.keys(DOMAIN_OBJECTS), 'bundle', 'marking-definition', 'language-content'])

function observed(value: JsonObject, at: Place): void {
  inOrder(value, at, 'first_observed', 'last_observed')
  if ('objects' in value === 'object_refs' in value) {
    at.error('combination', 'exactly one of object_refs and objects is required')
  }
  const refs = Array.isArray(value['object_refs']) ? value['object_refs'] : []
  const types = refs.map((each) => typeOfId(each))
  for (const [i, type] of types.entries()) {
    if (type !== undefined && NOT_OBSERVED.has(type)) {
      at.at('object_refs').at(i).error('reference', `a ${type} is not observed: expected an observable or a relation`)
    }
  }
  const relations = types.filter((type) => type === 'relationship' || type === 'sighting')
  if (refs.length > 0 && relations.length === refs.length) {
    at.at('object_refs').error('reference', 'at least one observable is required')
  }
}
