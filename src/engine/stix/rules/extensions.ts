import { type Place, quote } from './fault.ts'
import {
  dictionary,
  flag,
  float,
  hashes,
  hex,
  instant,
  integer,
  isObject,
  type JsonObject,
  type Kind,
  list,
  oneOf,
  open,
  record,
  ref,
  text,
  typeOfId,
} from './kind.ts'

const count = integer(0)
const texts = list(text)

/** Anything but an empty object of these. */
const some = (optional: Readonly<Record<string, Kind>>, required: Readonly<Record<string, Kind>> = {}): Kind =>
  record({ required, optional, ...(Object.keys(required).length > 0 ? {} : { some: Object.keys(optional) }) })

/** Predefined extensions: the type that may have them, their section and content (STIX 2.1 §6). */
const PREDEFINED: Readonly<Record<string, { of: string; section: string; kind: Kind }>> = {
  'archive-ext': {
    of: 'file',
    section: '6.7.2',
    kind: some({ comment: text }, { contains_refs: list(ref('file', 'directory')) }),
  },
  'ntfs-ext': {
    of: 'file',
    section: '6.7.3',
    kind: some({
      sid: text,
      alternate_data_streams: list(record({ required: { name: text }, optional: { hashes, size: count } })),
    }),
  },
  'pdf-ext': {
    of: 'file',
    section: '6.7.4',
    kind: some({ version: text, is_optimized: flag, document_info_dict: dictionary(text), pdfid0: text, pdfid1: text }),
  },
  'raster-image-ext': {
    of: 'file',
    section: '6.7.5',
    kind: some({
      image_height: integer(),
      image_width: integer(),
      bits_per_pixel: integer(),
      exif_tags: dictionary((value, at) => {
        if (typeof value !== 'string' && !Number.isInteger(value)) at.error('type', 'expected a text or a whole number')
      }),
    }),
  },
  'windows-pebinary-ext': { of: 'file', section: '6.7.6', kind: portableExecutable() },
  'http-request-ext': {
    of: 'network-traffic',
    section: '6.12.2',
    kind: some(
      {
        request_version: text,
        request_header: dictionary(texts),
        message_body_length: integer(),
        message_body_data_ref: ref('artifact'),
      },
      { request_method: text, request_value: text },
    ),
  },
  'icmp-ext': {
    of: 'network-traffic',
    section: '6.12.3',
    kind: record({ required: { icmp_type_hex: hex, icmp_code_hex: hex } }),
  },
  'socket-ext': { of: 'network-traffic', section: '6.12.4', kind: socket() },
  'tcp-ext': { of: 'network-traffic', section: '6.12.5', kind: some({ src_flags_hex: hex, dst_flags_hex: hex }) },
  'windows-process-ext': {
    of: 'process',
    section: '6.13.2',
    kind: some({
      aslr_enabled: flag,
      dep_enabled: flag,
      priority: text,
      owner_sid: text,
      window_title: text,
      startup_info: dictionary(),
      integrity_level: oneOf('low', 'medium', 'high', 'system'),
    }),
  },
  'windows-service-ext': { of: 'process', section: '6.13.3', kind: service() },
  'unix-account-ext': {
    of: 'user-account',
    section: '6.16.2',
    kind: some({ gid: integer(), groups: texts, home_dir: text, shell: text }),
  },
}

const TYPES = new Set(['new-sdo', 'new-sco', 'new-sro', 'property-extension', 'toplevel-property-extension'])

/** §7.3: keys are identifiers of extension definitions, or the predefined names where they belong. */
export function checkExtensions(object: JsonObject, at: Place): void {
  if (!Object.hasOwn(object, 'extensions')) return
  const here = at.at('extensions').by('7.3')
  const { extensions } = object
  if (!isObject(extensions)) return here.error('type', 'expected a dictionary')
  if (Object.keys(extensions).length === 0) here.error('empty', 'must not be empty')
  for (const [key, content] of Object.entries(extensions)) {
    const place = here.at(key)
    const known = Object.hasOwn(PREDEFINED, key) ? PREDEFINED[key] : undefined
    if (known !== undefined) {
      if (known.of !== object['type']) place.error('extension', `only a ${known.of} has this extension`)
      known.kind(content, place.by(known.section))
    } else if (typeOfId(key) === 'extension-definition') defined(content, place)
    else if (/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*-ext$/.test(key)) customExtension(content, place)
    else place.error('extension', 'expected the identifier of an extension definition')
  }
}

function defined(content: unknown, at: Place): void {
  if (!isObject(content)) return at.error('type', 'expected an object')
  const type = content['extension_type']
  if (type === undefined) at.at('extension_type').error('missing', 'required')
  else if (!(typeof type === 'string' && TYPES.has(type)))
    at.at('extension_type').error('vocabulary', `${quote(type)} is not an extension type`)
}

function customExtension(content: unknown, at: Place): void {
  at.warning('deprecated', 'extensions should have a definition')
  if (!isObject(content) || Object.keys(content).length === 0) at.error('type', 'expected an object that is not empty')
}

/** True when some extension announces properties of its own at the top of the object, or a type of its own. */
export function extendsTop(object: JsonObject): boolean {
  return extensionTypes(object).some((type) => type !== 'property-extension')
}

export function extensionTypes(object: JsonObject): readonly string[] {
  const { extensions } = object
  if (!isObject(extensions)) return []
  const all = Object.values(extensions).map((each) => (isObject(each) ? each['extension_type'] : undefined))
  return all.filter((each): each is string => typeof each === 'string' && TYPES.has(each))
}

function portableExecutable(): Kind {
  const numbers = `major_linker_version minor_linker_version address_of_entry_point base_of_code base_of_data image_base
    section_alignment file_alignment major_os_version minor_os_version major_image_version minor_image_version
    major_subsystem_version minor_subsystem_version number_of_rva_and_sizes`
  const sizes = `size_of_code size_of_initialized_data size_of_uninitialized_data size_of_image size_of_headers
    size_of_stack_reserve size_of_stack_commit size_of_heap_reserve size_of_heap_commit`
  const hexes = 'magic_hex win32_version_value_hex checksum_hex subsystem_hex dll_characteristics_hex loader_flags_hex'
  const all = (names: string, kind: Kind): Record<string, Kind> =>
    Object.fromEntries(names.split(/\s+/).map((name) => [name, kind]))
  return some(
    {
      imphash: text,
      machine_hex: hex,
      number_of_sections: count,
      time_date_stamp: instant,
      pointer_to_symbol_table_hex: hex,
      number_of_symbols: count,
      size_of_optional_header: count,
      characteristics_hex: hex,
      file_header_hashes: hashes,
      optional_header: some({ ...all(numbers, integer()), ...all(sizes, count), ...all(hexes, hex), hashes }),
      sections: list(record({ required: { name: text }, optional: { size: count, entropy: float(), hashes } })),
    },
    { pe_type: open('windows-pebinary-type-ov') },
  )
}

function socket(): Kind {
  return some(
    {
      is_blocking: flag,
      is_listening: flag,
      options: dictionary(integer(), (key) => /^(?:SO|ICMP|ICMP6|IP|IPV6|MCAST|TCP|IRLMP)_[A-Z_0-9]{1,100}$/.test(key)),
      socket_type: oneOf('SOCK_STREAM', 'SOCK_DGRAM', 'SOCK_RAW', 'SOCK_RDM', 'SOCK_SEQPACKET'),
      socket_descriptor: count,
      socket_handle: integer(),
    },
    {
      address_family: oneOf(...'AF_UNSPEC AF_INET AF_IPX AF_APPLETALK AF_NETBIOS AF_INET6 AF_IRDA AF_BTH'.split(' ')),
    },
  )
}

function service(): Kind {
  const words = (text: string): Kind => oneOf(...text.split(' ').map((word) => `SERVICE_${word}`))
  return some({
    service_name: text,
    descriptions: texts,
    display_name: text,
    group_name: text,
    start_type: words('AUTO_START BOOT_START DEMAND_START DISABLED SYSTEM_ALERT'),
    service_dll_refs: list(ref('file')),
    service_type: words('KERNEL_DRIVER FILE_SYSTEM_DRIVER WIN32_OWN_PROCESS WIN32_SHARE_PROCESS'),
    service_status: words('CONTINUE_PENDING PAUSE_PENDING PAUSED RUNNING START_PENDING STOP_PENDING STOPPED'),
  })
}
