import type { Place } from './fault.ts'
import {
  binary,
  dictionary,
  flag,
  hashes,
  hex,
  inOrder,
  instant,
  integer,
  isLanguage,
  type JsonObject,
  type Kind,
  list,
  oneOf,
  open,
  record,
  ref,
  text,
  url,
} from './kind.ts'
import { readBlock } from '../match/address.ts'
import type { ObjectRule } from './object-rule.ts'

/** An observable; `identity` are the properties its identifier is made of (§2.9), none meaning a random one. */
export type ObservableRule = ObjectRule & { readonly identity: readonly string[] }

const texts = list(text)
const count = integer(0)
const addresses = ref('ipv4-addr', 'ipv6-addr', 'mac-addr', 'domain-name')
const mail = ref('email-addr')
const mails = list(mail)

/** Observables (STIX 2.1 §6). */
export const OBSERVABLES: Readonly<Record<string, ObservableRule>> = {
  artifact: {
    section: '6.1',
    identity: ['hashes', 'payload_bin'],
    optional: {
      mime_type: mimeType,
      payload_bin: binary,
      url,
      hashes,
      encryption_algorithm: oneOf('AES-256-GCM', 'ChaCha20-Poly1305', 'mime-type-indicated'),
      decryption_key: text,
    },
    some: ['payload_bin', 'url'],
    extra(value, at) {
      if ('payload_bin' in value && 'url' in value) at.error('combination', 'payload_bin and url exclude each other')
      if ('url' in value && !('hashes' in value)) at.at('hashes').error('missing', 'a url needs hashes')
      if ('decryption_key' in value && !('encryption_algorithm' in value)) {
        at.at('decryption_key').error('combination', 'a key needs an encryption_algorithm')
      }
    },
  },
  'autonomous-system': {
    section: '6.2',
    identity: ['number'],
    required: { number: integer() },
    optional: { name: text, rir: text },
  },
  directory: {
    section: '6.3',
    identity: ['path'],
    required: { path: text },
    optional: {
      path_enc: charset,
      ctime: instant,
      mtime: instant,
      atime: instant,
      contains_refs: list(ref('file', 'directory')),
    },
  },
  'domain-name': {
    section: '6.4',
    identity: ['value'],
    required: { value: domainName },
    optional: { resolves_to_refs: list(ref('ipv4-addr', 'ipv6-addr', 'domain-name')) },
  },
  'email-addr': {
    section: '6.5',
    identity: ['value'],
    required: { value: mailAddress },
    optional: { display_name: text, belongs_to_ref: ref('user-account') },
  },
  'email-message': {
    section: '6.6',
    identity: ['from_ref', 'subject', 'body'],
    required: { is_multipart: flag },
    optional: {
      date: instant,
      content_type: text,
      from_ref: mail,
      sender_ref: mail,
      to_refs: mails,
      cc_refs: mails,
      bcc_refs: mails,
      message_id: text,
      subject: text,
      received_lines: texts,
      additional_header_fields: dictionary(headerField),
      body: text,
      body_multipart: list(
        record({
          optional: {
            body: text,
            body_raw_ref: ref('artifact', 'file'),
            content_type: text,
            content_disposition: text,
          },
          some: ['body', 'body_raw_ref'],
          extra(value, at) {
            if ('body' in value && 'body_raw_ref' in value) {
              at.by('6.6.2').error('combination', 'body and body_raw_ref exclude each other')
            }
          },
        }),
      ),
      raw_email_ref: ref('artifact'),
    },
    extra(value, at) {
      if (value['is_multipart'] === true && 'body' in value) at.at('body').error('combination', 'use body_multipart')
      if (value['is_multipart'] === false && 'body_multipart' in value) {
        at.at('body_multipart').error('combination', 'is_multipart is false')
      }
    },
  },
  file: {
    section: '6.7',
    identity: ['hashes', 'name', 'extensions', 'parent_directory_ref'],
    optional: {
      hashes,
      size: count,
      name: text,
      name_enc: charset,
      magic_number_hex: hex,
      mime_type: text,
      ctime: instant,
      mtime: instant,
      atime: instant,
      parent_directory_ref: ref('directory'),
      contains_refs: list(ref()),
      content_ref: ref('artifact'),
    },
    some: ['hashes', 'name'],
  },
  'ipv4-addr': { section: '6.8', identity: ['value'], ...address(4) },
  'ipv6-addr': { section: '6.9', identity: ['value'], ...address(16) },
  'mac-addr': { section: '6.10', identity: ['value'], required: { value: macAddress } },
  mutex: { section: '6.11', identity: ['name'], required: { name: text } },
  'network-traffic': {
    section: '6.12',
    identity: ['start', 'end', 'src_ref', 'dst_ref', 'src_port', 'dst_port', 'protocols', 'extensions'],
    required: { protocols: texts },
    optional: {
      start: instant,
      end: instant,
      is_active: flag,
      src_ref: addresses,
      dst_ref: addresses,
      src_port: integer(0, 65_535),
      dst_port: integer(0, 65_535),
      src_byte_count: count,
      dst_byte_count: count,
      src_packets: count,
      dst_packets: count,
      ipfix: dictionary(textOrNumber),
      src_payload_ref: ref('artifact'),
      dst_payload_ref: ref('artifact'),
      encapsulates_refs: list(ref('network-traffic')),
      encapsulated_by_ref: ref('network-traffic'),
    },
    some: ['src_ref', 'dst_ref'],
    extra(value, at) {
      inOrder(value, at, 'start', 'end')
      if (value['is_active'] === true && 'end' in value) at.at('end').error('combination', 'active traffic has no end')
      const protocols = Array.isArray(value['protocols']) ? value['protocols'] : []
      if (protocols.some((each) => typeof each === 'string' && each !== each.toLowerCase())) {
        at.at('protocols').warning('format', 'protocols are written in lower case')
      }
    },
  },
  process: {
    section: '6.13',
    identity: [],
    optional: {
      is_hidden: flag,
      pid: integer(),
      created_time: instant,
      cwd: text,
      command_line: text,
      environment_variables: dictionary(text),
      opened_connection_refs: list(ref('network-traffic')),
      creator_user_ref: ref('user-account'),
      image_ref: ref('file'),
      parent_ref: ref('process'),
      child_refs: list(ref('process')),
    },
    extra: needsOne,
  },
  software: {
    section: '6.14',
    identity: ['name', 'cpe', 'swid', 'vendor', 'version'],
    required: { name: text },
    optional: { cpe, swid: text, languages: list(softwareLanguage), vendor: text, version: text },
  },
  url: { section: '6.15', identity: ['value'], required: { value: url } },
  'user-account': {
    section: '6.16',
    identity: ['account_type', 'user_id', 'account_login'],
    optional: {
      user_id: text,
      credential: text,
      account_login: text,
      account_type: open('account-type-ov'),
      display_name: text,
      is_service_account: flag,
      is_privileged: flag,
      can_escalate_privs: flag,
      is_disabled: flag,
      account_created: instant,
      account_expires: instant,
      credential_last_changed: instant,
      account_first_login: instant,
      account_last_login: instant,
    },
    extra: needsOne,
  },
  'windows-registry-key': {
    section: '6.17',
    identity: ['key', 'values'],
    optional: {
      key: registryKey,
      values: list(
        record({
          optional: { name: text, data: text, data_type: oneOf(...registryTypes()) },
          some: ['name', 'data', 'data_type'],
        }),
      ),
      modified_time: instant,
      creator_user_ref: ref('user-account'),
      number_of_subkeys: integer(),
    },
    extra: needsOne,
  },
  'x509-certificate': {
    section: '6.18',
    identity: ['hashes', 'serial_number'],
    optional: {
      is_self_signed: flag,
      hashes,
      version: text,
      serial_number: text,
      signature_algorithm: text,
      issuer: text,
      validity_not_before: instant,
      validity_not_after: instant,
      subject: text,
      subject_public_key_algorithm: text,
      subject_public_key_modulus: text,
      subject_public_key_exponent: integer(),
      x509_v3_extensions: record({ optional: x509Extensions(), some: Object.keys(x509Extensions()) }),
    },
    extra: needsOne,
  },
}

/** Which properties SCOs have in common, and so say nothing about one. */
const COMMON = new Set(['type', 'id', 'spec_version', 'object_marking_refs', 'granular_markings', 'defanged'])

function needsOne(value: JsonObject, at: Place): void {
  if (Object.keys(value).every((key) => COMMON.has(key))) at.error('combination', 'at least one property is required')
}

function address(size: 4 | 16): Omit<ObjectRule, 'section'> {
  const kind: Kind = (value, at) => {
    const block = typeof value === 'string' ? readBlock(value) : undefined
    if (block?.bytes.length !== size) at.error('format', `expected an IPv${size === 4 ? 4 : 6} address or CIDR block`)
  }
  return {
    required: { value: kind },
    optional: { resolves_to_refs: list(ref('mac-addr')), belongs_to_refs: list(ref('autonomous-system')) },
  }
}

function macAddress(value: unknown, at: Place): void {
  if (typeof value !== 'string' || !/^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(value)) {
    at.error('format', 'expected six lower-case pairs with colons')
  }
}

function domainName(value: unknown, at: Place): void {
  text(value, at)
  if (typeof value !== 'string') return
  const labels = value.split('.')
  const fine = value.length <= 253 && labels.every((label) => /^[\p{L}\p{M}\p{N}_-]{1,63}$/u.test(label))
  if (!fine) at.error('format', 'expected a domain name (RFC 1034, RFC 5890)')
}

function mailAddress(value: unknown, at: Place): void {
  text(value, at)
  if (typeof value !== 'string') return
  const cut = value.lastIndexOf('@')
  if (cut < 1 || cut === value.length - 1 || /[\s<>]/.test(value) || value.length > 320) {
    at.error('format', 'expected an address without a display name (RFC 5322)')
  }
}

function mimeType(value: unknown, at: Place): void {
  text(value, at)
  if (
    typeof value === 'string' &&
    !/^(?:application|audio|font|image|message|model|multipart|text|video)\/[A-Za-z0-9.+_-]{1,127}/.test(value)
  ) {
    at.error('format', 'expected a media type of the IANA registry')
  }
}

function charset(value: unknown, at: Place): void {
  if (typeof value !== 'string' || !/^[A-Za-z0-9/.+_:-]{2,250}$/.test(value)) {
    at.error('format', 'expected a character set of the IANA registry')
  }
}

/** CPE 2.3 formatted string: `cpe:2.3:` and eleven fields; a colon inside a field stands behind a backslash. */
function cpe(value: unknown, at: Place): void {
  const fields = typeof value === 'string' && value.length <= 2000 ? value.replaceAll(/\\./gs, '_').split(':') : []
  if (fields.length !== 13 || fields[0] !== 'cpe' || fields[1] !== '2.3' || !/^[aho*-]$/.test(fields[2]!)) {
    at.error('format', 'expected a CPE 2.3 formatted string')
  } else if (fields.includes('')) at.error('format', 'a field of a CPE is empty')
}

function softwareLanguage(value: unknown, at: Place): void {
  if (typeof value !== 'string' || !isLanguage(value)) at.error('format', 'expected a language tag (RFC 5646)')
}

function registryKey(value: unknown, at: Place): void {
  text(value, at)
  if (typeof value === 'string' && /^(?:HKLM|HKCC|HKCR|HKCU|HKU)(?:\\|$)/i.test(value)) {
    at.error('format', 'the hive must be written out (HKEY_LOCAL_MACHINE)')
  }
}

function headerField(value: unknown, at: Place): void {
  if (!(Array.isArray(value) ? value : [value]).every((each) => typeof each === 'string')) {
    at.error('type', 'expected a text or a list of texts')
  }
}

function textOrNumber(value: unknown, at: Place): void {
  if (typeof value !== 'string' && !Number.isInteger(value)) at.error('type', 'expected a text or a whole number')
}

function registryTypes(): string[] {
  return `REG_NONE REG_SZ REG_EXPAND_SZ REG_BINARY REG_DWORD REG_DWORD_BIG_ENDIAN REG_DWORD_LITTLE_ENDIAN REG_LINK
    REG_MULTI_SZ REG_RESOURCE_LIST REG_FULL_RESOURCE_DESCRIPTION REG_RESOURCE_REQUIREMENTS_LIST REG_QWORD
    REG_INVALID_TYPE`.split(/\s+/)
}

function x509Extensions(): Record<string, Kind> {
  const names = `basic_constraints name_constraints policy_constraints key_usage extended_key_usage
    subject_key_identifier authority_key_identifier subject_alternative_name issuer_alternative_name
    subject_directory_attributes crl_distribution_points inhibit_any_policy certificate_policies policy_mappings`
  return {
    ...Object.fromEntries(names.split(/\s+/).map((name) => [name, text])),
    private_key_usage_period_not_before: instant,
    private_key_usage_period_not_after: instant,
  }
}

export const isObservable = (type: string): boolean => Object.hasOwn(OBSERVABLES, type)
