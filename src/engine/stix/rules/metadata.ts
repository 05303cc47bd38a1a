import type { Place } from './fault.ts'
import { dictionary, instant, isLanguage, isObject, type JsonObject, list, oneOf, refExcept, text } from './kind.ts'
import type { ObjectRule } from './object-rule.ts'
import { checkTlp } from './tlp.ts'

/** Meta objects with versions (STIX 2.1 §7.1, §7.3). */
export const META_OBJECTS: Readonly<Record<string, ObjectRule>> = {
  'language-content': {
    section: '7.1',
    required: { object_ref: refExcept('bundle', 'language-content'), contents: dictionary(dictionary(), isLanguage) },
    optional: { object_modified: instant },
  },
  'extension-definition': {
    section: '7.3',
    required: {
      name: text,
      schema: text,
      version: text,
      extension_types: list(
        oneOf('new-sdo', 'new-sco', 'new-sro', 'property-extension', 'toplevel-property-extension'),
      ),
    },
    optional: { description: text, extension_properties: list(text) },
    extra(value, at) {
      if (!('created_by_ref' in value))
        at.at('created_by_ref').error('missing', 'an extension definition has a creator')
      const types = Array.isArray(value['extension_types']) ? value['extension_types'] : []
      if ('extension_properties' in value && !types.includes('toplevel-property-extension')) {
        at.at('extension_properties').error('combination', 'only for toplevel-property-extension')
      }
    },
  },
}

/** §7.2.1 */
export const MARKING_DEFINITION: ObjectRule = {
  section: '7.2.1',
  optional: { name: text, definition_type: text, definition },
  extra: marking,
}

function definition(value: unknown, at: Place): void {
  if (!isObject(value)) at.error('type', 'expected an object')
}

function marking(value: JsonObject, at: Place): void {
  checkTlp(value, at)
  const [type, content] = [value['definition_type'], value['definition']]
  if (!('extensions' in value)) {
    for (const key of ['definition_type', 'definition']) {
      if (!(key in value)) at.at(key).error('missing', 'required without extensions')
    }
  } else if ('definition_type' in value !== 'definition' in value) {
    at.error('combination', 'definition_type and definition come together')
  }
  if (type === 'statement' && isObject(content) && typeof content['statement'] !== 'string') {
    at.at('definition').at('statement').by('7.2.1.3').error('missing', 'a text is required')
  }
  if (type !== undefined && type !== 'statement' && type !== 'tlp') {
    at.at('definition_type').warning('deprecated', 'other markings should be extensions')
  }
}
