import { plainAttribution, type Attributor, type LogSpan, type PortBlock } from './attribution.ts'
export function attributionTable(own: readonly string[]) {
  const blocks: PortBlock[] = []
  return {
    get size() {
      return blocks.length
    },
    add: (block: PortBlock): void => void blocks.push(block),
    build: (spans: readonly LogSpan[]): Attributor => plainAttribution(blocks, spans, own),
  }
}
