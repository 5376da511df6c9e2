import { type APISectionComponent, ButtonStyle, ComponentType } from "discord.js";
import type { ConceptSummary } from "../shared/api.ts";
import type { Identity } from "../shared/identity.ts";
import { button, type Card, conceptWord, quoted, textPart } from "./card.ts";
import { noteCard } from "./replies.ts";
import { isPrivateHere, referenceAmong } from "./visible-concepts.ts";

/** Own words with a button each: section, text and button are 3 of Discord's 40 components. */
const maxSections = 10;

const shareHint = "-# `/concepts share` and `/concepts unshare` change that";

/** What `/concepts list` shows: one's own words, with what a tap does, and those of others.
 * @param found what this person sees, their own first */
export function listCard(found: readonly ConceptSummary[], identity: Identity): Card {
  if (found.length === 0) {
    return noteCard(
      "### No words yet\nTeach me one: `/learn` with a picture, or *Apps → Learn this* on any message with one.",
    );
  }
  const mine = found.filter(({ owner }) => owner.id === identity.user.id);
  const others = found.filter(({ owner }) => owner.id !== identity.user.id);
  const sections = mine.slice(0, maxSections).map((concept) => sectionOf(concept, identity));
  const rest = Map.groupBy(mine.slice(maxSections), (concept) => stateOf(concept, identity));
  const hint = moderatorHint(others, identity);
  const lines = others.map((concept) => lineOf(concept, referenceAmong(concept, found, identity)));
  return {
    parts: [
      ...(mine.length > 0 ? [textPart("### Your words"), ...sections] : []),
      ...[...rest].map(([state, more]) => textPart(`-# and ${state}: ${more.map(wordOf).join(" ")}`)),
      ...(rest.size > 0 && identity.server !== undefined ? [textPart(shareHint)] : []),
      ...(others.length > 0 ? [textPart(`### Shared with you\n${lines.join("\n")}`)] : []),
      ...(hint === undefined ? [] : [textPart(hint)]),
    ],
  };
}

function sectionOf(concept: ConceptSummary, identity: Identity): APISectionComponent {
  const action =
    identity.server === undefined
      ? button("Delete", "concept.ask", [concept.id])
      : isPrivateHere(concept, identity)
        ? button("Share", "concept.share", [concept.id], { style: ButtonStyle.Primary })
        : button("Unshare", "concept.unshare", [concept.id]);
  return {
    type: ComponentType.Section,
    components: [{ type: ComponentType.TextDisplay, content: `${lineOf(concept)} · ${stateOf(concept, identity)}` }],
    accessory: action,
  };
}

/** A word is shared in one place at a time. */
function stateOf(concept: ConceptSummary, identity: Identity): string {
  if (!isPrivateHere(concept, identity)) return "shared";
  if (concept.scope === "private") return "private";
  return identity.server === undefined ? "shared in a server" : "shared in another server; sharing moves it here";
}

function lineOf({ name, caption, owner }: ConceptSummary, reference = name): string {
  return `${conceptWord(reference)} ${caption === undefined ? "" : `${quoted(caption, 60)} `}· ${quoted(owner.name, 32)}`;
}

/** Moderators may take back what is shared with their server alone, not what is public. */
function moderatorHint(others: readonly ConceptSummary[], { moderator, server }: Identity): string | undefined {
  const mayTake = moderator && others.some(({ scope, scopeId }) => scope === "server" && scopeId === server);
  return mayTake ? "-# As a moderator you can take one out of this server: `/concepts unshare`" : undefined;
}

const wordOf = ({ name }: ConceptSummary): string => conceptWord(name);
