import type { LiveRoute } from './sites.ts'

/** `['application/json', 'image/*']` → does a media type belong to them? */
export function typeMatcher(types: readonly string[]): (media: string) => boolean {
  const exact = new Set(types)
  const families = types.filter((type) => type.endsWith('/*')).map((type) => type.slice(0, -1))
  return (media) => exact.has(media) || families.some((family) => media.startsWith(family))
}

const mediaOf = (contentType: string): string => (/^\s*([^\s;,]*)/.exec(contentType)?.[1] ?? '').toLowerCase()

/** What a route does not take, as a status: 405 for its methods, 415 for its content types; 0 when it takes the request. */
export function modelStatus(
  route: LiveRoute,
  method: string,
  contentType: string | undefined,
  hasBody: boolean,
): number {
  if (route.methods !== undefined && !route.methods.has(method)) return 405
  if (route.takesType !== undefined && hasBody && !route.takesType(mediaOf(contentType ?? ''))) return 415
  return 0
}
