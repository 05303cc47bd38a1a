import type { Collection } from './taxii/collections.ts'
import { STIX_MEDIA } from './taxii/media.ts'
import { uuidOf } from './stix.ts'

/** Path of the node's one API root. */
export const ROOT = '/taxii2/root/'
const MEDIA = [STIX_MEDIA]

/**
 * Collections of a node. `in`: peers push, nobody reads. `out`: peers read. Two more are not served at all: what our
 * client pulled from a peer, and what came in signed files, wait there in the same form until they are digested.
 */
export function placesOf(node: string) {
  const collection = (alias: string, root: string, title: string, description: string): Collection => ({
    id: uuidOf(`collection ${node} ${alias}`),
    root,
    alias,
    title,
    description,
    mediaTypes: MEDIA,
  })
  return {
    in: collection('in', ROOT, 'In', 'Objects that peers push'),
    out: collection('out', ROOT, 'Out', 'Objects that are shared with peers'),
    pulled: collection('pulled', '', 'Pulled', 'What our client fetched'),
    files: collection('files', '', 'Files', 'What came in signed files'),
  }
}
export type Places = ReturnType<typeof placesOf>
