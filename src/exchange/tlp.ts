import { TLP_MARKINGS } from '../engine/stix/index.ts'
import { TLPS, type RefusalReason, type Tlp } from './contract.ts'

/** STIX object as it travels. */
export type StixObject = Readonly<Record<string, unknown>>

const EXTENSION = 'extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d'
const IDS: Readonly<Record<Tlp, string>> = {
  clear: 'marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487',
  green: 'marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb',
  amber: 'marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421',
  'amber+strict': 'marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003',
  red: 'marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1',
}

/** The marking objects of TLP 2.0 in STIX 2.1 (OASIS common object repository, extension definition of TLP 2.0). */
export const TLP2_MARKINGS: Readonly<Record<Tlp, StixObject>> = Object.fromEntries(
  TLPS.map((tlp) => [
    tlp,
    {
      type: 'marking-definition',
      spec_version: '2.1',
      id: IDS[tlp],
      created: '2022-10-01T00:00:00.000Z',
      name: `TLP:${tlp.toUpperCase()}`,
      extensions: { [EXTENSION]: { extension_type: 'property-extension', tlp_2_0: tlp } },
    },
  ]),
) as unknown as Record<Tlp, StixObject>

/** How closed an object is: the place in `TLPS`, or `UNKNOWN_RANK` when a marking cannot be read. */
export type Rank = number
export const UNKNOWN_RANK: Rank = TLPS.length
export const rankOf = (tlp: Tlp): Rank => TLPS.indexOf(tlp)
export const tlpOfRank = (rank: Rank): Tlp | null => TLPS[rank] ?? null

const WHITE = 'white'
/** Marking id → rank, of TLP 1.0 and TLP 2.0. */
const RANKS: ReadonlyMap<string, Rank> = new Map([
  ...TLPS.map((tlp): [string, Rank] => [IDS[tlp], rankOf(tlp)]),
  ...[...TLP_MARKINGS].map(([id, object]): [string, Rank] => {
    const colour = (object['definition'] as { tlp: string }).tlp
    return [id, rankOf(colour === WHITE ? 'clear' : (colour as Tlp))]
  }),
])

/** Objects that say who and how, not what was seen: without a marking they travel freely. */
const FRAME = new Set(['marking-definition', 'extension-definition', 'identity', 'language-content'])
/**
 * What carries no TLP at all is treated as AMBER: who sent it has not said that it may travel on.
 * (TLP 2.0, FIRST August 2022, leaves unmarked information to the recipient's judgement.)
 */
const UNMARKED: Rank = rankOf('amber')

/**
 * The most closed TLP among an object's markings, also of its parts (STIX 2.1 §7.2.1.4, §7.2.3). `isStatement` tells
 * whether a marking that is not TLP is known to be a statement (copyright, terms), which says nothing about travel; any
 * other unknown marking makes the rank unknown.
 */
export function rankOfObject(object: StixObject, isStatement: (markingId: string) => boolean): Rank {
  const own = object['type'] === 'marking-definition' ? RANKS.get(String(object['id'])) : undefined
  if (own !== undefined) return rankOf('clear')
  let rank: Rank | undefined
  for (const id of markingsOf(object)) {
    const known = RANKS.get(id)
    if (known !== undefined) rank = Math.max(rank ?? 0, known)
    else if (!isStatement(id)) return UNKNOWN_RANK
  }
  return rank ?? (FRAME.has(String(object['type'])) ? rankOf('clear') : UNMARKED)
}

function* markingsOf(object: StixObject): Generator<string> {
  const whole = object['object_marking_refs']
  if (Array.isArray(whole)) for (const id of whole) if (typeof id === 'string') yield id.toLowerCase()
  const granular = object['granular_markings']
  if (!Array.isArray(granular)) return
  for (const each of granular as readonly unknown[]) {
    const id = (each as { marking_ref?: unknown } | null)?.marking_ref
    if (typeof id === 'string') yield id.toLowerCase()
  }
}

/** Ids of markings that are not TLP, which the caller may look up. */
export const otherMarkings = (object: StixObject): string[] => [...markingsOf(object)].filter((id) => !RANKS.has(id))

/** Whom something would go to. */
export type Recipient = { readonly maxTlp: Tlp; readonly own: boolean }

/**
 * Why an object of this rank must not leave towards a recipient, or undefined when it may (TLP 2.0): RED never leaves,
 * AMBER+STRICT only inside our organisation, the rest up to the recipient's ceiling.
 */
export function withheldFrom(rank: Rank, to: Recipient): RefusalReason | undefined {
  if (rank >= UNKNOWN_RANK) return 'tlp-unknown'
  if (rank === rankOf('red')) return 'tlp-red'
  if (rank === rankOf('amber+strict') && !to.own) return 'tlp-strict'
  return rank > rankOf(to.maxTlp) ? 'tlp-ceiling' : undefined
}
