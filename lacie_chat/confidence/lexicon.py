"""The words that hedge and the words that boost, with where they come from.

Sources (the words are facts of English; the selection, the grouping and the guards are ours):

- K. Hyland, *Metadiscourse: Exploring Interaction in Writing* (Continuum, 2005), appendix: the categories "hedges"
  and "boosters" of interactional metadiscourse.
- J. Holmes, "Hedges and boosters in women's and men's speech", *Language & Communication* 10 (1990): tag-like and
  first-person forms ("I think", "sort of", "of course", "I'm sure").
- A. Prokofieva and J. Hirschberg, "Hedging and speaker commitment", LREC workshop on emotion, social signals,
  sentiment and linked open data (2014): conversational and multi-word hedges ("I wanna say", "or something", "don't
  quote me").
- E. Prince, J. Frader and C. Bosk, "On hedging in physician-physician discourse" (1982): the line between
  *shields*, which weaken the speaker's commitment, and *approximators*, which belong to what is claimed.

Only shields are kept. Hyland also lists approximators and adverbs of frequency ("about", "around", "almost",
"roughly", "generally", "often"): "about 40 km" says which distance, not how sure the writer is of it, so they are
never marked; nor are intensifiers ("very", "really") among the boosters.

Notation: `(a|b)` is a choice, `(|a )` an option; every form is spelled out at import. Apostrophes match ' and ’.
"""

import itertools
import re

_I_AM = "(i'm|i am|im)"
_DEGREE = (
    "(|very |quite |absolutely |completely |totally |entirely |fully |so |100% |really |almost |fairly |pretty "
    "|reasonably )"
)

HEDGES: tuple[str, ...] = (
    # Adverbs and adjectives of probability
    "(perhaps|maybe|possibly|probably|presumably|conceivably|plausibly|arguably|apparently|seemingly)",
    "(ostensibly|potentially)",
    "(supposedly|allegedly|reportedly|purportedly)",
    "(|very |most |more |quite )likely", "(|very |most |quite )unlikely", "probable", "plausible",
    "in all (likelihood|probability)",
    "(it is|it's|quite|just|very well|entirely) possible", "possible that", "possible answer", "a possibility",
    "the possibility",
    "(uncertain|unsure|unclear|doubtful|unconfirmed|unverified|debatable|tentative|tentatively)",
    "(somewhat|more or less|to some extent|to a certain extent|in a sense)",
    "(kind of|sort of|kinda|sorta)", "(fairly|reasonably|pretty|moderately) (sure|certain|confident|likely)",
    # Modal verbs
    "may", "might", "may well", "might well", "could be", "could also be", "could well be", "could have been",
    "could possibly",
    "could easily be", "could it be", "could mean", "could stand for",
    # Verbs of judgement in the first person
    "i (think|believe|guess|suppose|assume|imagine|suspect|reckon|presume|gather|figure|estimate|fancy|wonder|doubt)",
    "i (do not|don't) (think|believe)", "i feel (like|that)",
    "i (would|'d) (say|guess|think|assume|imagine|estimate|suspect|go with)",
    "i'd (say|guess|think|assume|imagine|estimate|suspect|go with|lean|be inclined)", "i'd have to guess",
    "if i had to guess",
    "i'm (guessing|assuming|thinking)", "i am (guessing|assuming)", "i (want to|wanna|would like to) say",
    "i seem to (recall|remember)",
    "i (have|had|'ve got) a feeling", "i've got a feeling", "my (|best |first |only )guess",
    "(best|wild|educated|just a|only a|a) guess",
    "(hazard|take|make) a guess", "guessing", "guesswork", "inclined to (say|think|believe)",
    "(lean|leaning) (to|toward|towards)",
    "(as far as|so far as) i (know|knew|can tell|can recall|recall|remember|am aware|understand)", "afaik", "iirc",
    "if i (recall|remember|am right|understand) (|it )(|correctly|rightly|right|well)",
    "if i'm not (mistaken|wrong)", "if i am not (mistaken|wrong)",
    "unless i'm mistaken", "unless i am mistaken", "to (|the best of )my (knowledge|recollection|understanding)",
    "from memory",
    "off the top of my head", "as i (understand|recall|remember) it", "(my|in my) understanding",
    "in my (opinion|view|estimation)", "imo", "imho",
    "from what i (know|recall|remember|understand|gather|have read|can tell)", "vaguely (recall|remember)",
    "hazy memory",
    # Saying that one may be wrong
    f"{_I_AM} not {_DEGREE}(sure|certain|confident|positive|convinced)",
    "not {d}(sure|certain|confident|positive|convinced|clear)".replace("{d}", _DEGREE),
    "(isn't|aren't|is not|are not) (necessarily|{d}(certain|clear|sure))".replace("{d}", _DEGREE),
    "not necessarily", "far from (certain|sure|clear)",
    "less than (certain|sure)",
    "i (could|may|might) (|well |easily |also |very well )be (wrong|mistaken|off|misremembering|confusing|mixing)",
    "i may have", "i might have",
    "(can't|cannot|can not|couldn't) be {d}(sure|certain|confident|ruled out)".replace("{d}", _DEGREE),
    "(can't|cannot|can not|couldn't) say (for sure|for certain|exactly|definitively)",
    "(can't|cannot|can not|couldn't) say with (|any |much |complete |absolute )(certainty|confidence)",
    "(don't|do not) (|really |actually )know (for sure|for certain|for a fact|exactly)",
    "(hard|difficult|tricky) to (say|tell|know|be sure|pin down)",
    "(don't|do not) quote me", "wouldn't swear to it", "correct me if i'm wrong", "correct me if i am wrong",
    "a (grain|pinch) of salt",
    "little confidence", "low confidence", "some doubt", "have (my |)doubts",
    "(shot in the dark|toss up|on the tip of my tongue)", "who knows",
    "give or take", "or so i (think|believe|thought)", "something like", "or something", "or thereabouts",
    "or at least", "beats me",
    "(don't|do not|can't|cannot|couldn't) (|really |quite |exactly )(remember|recall|tell)",
    "(don't|can't|cannot|couldn't) (|really |quite |exactly )(decide|confirm|verify|swear|vouch)",
    "(don't|do not) (take my word|rely on it|hold me to)",
    "(won't|wouldn't|would not|can't) (bet|swear|guarantee|promise)",
    "(no clue|no idea|no expert|not an expert|not my field|my memory fails|fails me)",
    "(hunch|gut feeling|at a guess|ballpark)",
    "(mixing|mix|mixed) (them|it|this|that|these|those|things) up", "for all i know", "let's say",
    "would be my (pick|choice|bet)",
    "(there is|there's) a (|good |fair |small |slim |slight )(chance|possibility)",
    "(open to|up for) (debate|question|dispute)",
    "(sources|accounts|opinions|historians) (differ|disagree)", "to be confirmed",
    "(might|may|could) be (wrong|mistaken|incorrect)",
    "(going|judging) by", "should be", "unless i", "please (check|verify|double check)", "not sure", "inconclusive",
    # Reports and impressions
    "(seem|seems|seemed)", "(appear|appears|appeared) (to|that|as if|as though)", "it (|would )(appear|appears)",
    "would (appear|seem)",
    "(suggest|suggests|suggesting|suggested) that", "evidence suggests", "(tend|tends|tended) to",
    "(is|are|was|were) (|often |widely |generally |commonly )(said|thought|believed|assumed|rumoured|rumored) to",
    "(is|are|was|were) (|widely |generally )(supposed|reputed|presumed|alleged) to",
    "it is (|often |widely |generally |commonly )(said|thought|believed|assumed|rumoured|rumored) that",
    "some (say|believe|think|people say)",
    "(i heard|i've heard|i have heard|i read somewhere|i once read|someone told me|somebody told me|i was told)",
    "assuming",
)  # fmt: skip

BOOSTERS: tuple[str, ...] = (
    # Adverbs of certainty
    "(certainly|definitely|undoubtedly|doubtless|undeniably|unquestionably|indisputably)",
    "(incontrovertibly|incontestably|indubitably)",
    "(obviously|evidently|surely|decidedly|conclusively|unmistakably|categorically)",
    "(assuredly|clearly|plainly|absolutely|positively)",
    "(indeed|of course|naturally|in fact|as a matter of fact|no question)",
    "(hands down|bar none|for sure|for certain|for a fact)",
    # Doubt denied
    "(no|without|beyond) (|a |any |all |the slightest )(|reasonable |shadow of a |shadow of )doubt",
    "(there is|there's|i have|have) no doubt",
    "(don't|do not|never|can't) doubt", "(there is|there's) no (question|denying|mistake|mistaking)",
    "(without|beyond) (|any |all )question",
    "without (|any |the slightest )hesitation", "no hesitation",
    "(undeniable|indisputable|unquestionable|incontrovertible|undisputed)",
    # The writer's own certainty
    f"{_I_AM} (|very |quite |absolutely |completely |totally |entirely |100% |so )(sure|certain|positive)",
    f"{_I_AM} (|very |quite |absolutely |completely |totally |entirely |so )(confident|convinced)",
    "(absolutely|completely|totally|entirely|100%|dead|quite) (sure|certain|positive|confident)",
    "(sure|certain|confident|convinced) that",
    "i (|absolutely |do )(know|guarantee|insist) that", "i know for",
    "i (can|do) (|absolutely )(assure you|guarantee|confirm|promise)", "i (assure|promise) you",
    "(rest assured|make no mistake|trust me|believe me|mark my words|take my word)",
    "(i'd|i would|i'll|you can) bet", "i bet",
    "with (|complete |absolute |full |total |great |utmost )(certainty|confidence)", "(100%|one hundred percent)",
    "no doubts", "(nobody|no one) (disputes|doubts|denies|questions)", "(i swear|i promise|i'd stake|stake my)",
    # What is held to be settled
    "by definition", "look no further", "needless to say", "goes without saying", "the fact (is|remains)",
    "it is a fact",
    "(it is|it's|is|quite|crystal|perfectly) (clear|obvious|evident|certain)",
    "(clear|obvious|evident|certain) (that|to anyone)",
    "(everyone|everybody) knows", "(well known|established|proven|undisputed|known) fact",
    "(prove|proves|proved) that", "(has|have|been) proven",
    "(conclusive|definitive) (proof|evidence|answer)", "(must be|must have been|has to be)",
    "beyond dispute", "no two ways about it",
)  # fmt: skip


def expand(form: str) -> list[str]:
    """Every spelling of a form: "(i'm|i am) sure" gives "i'm sure" and "i am sure". Brackets may nest once."""
    while True:
        inner = re.search(r"\(([^()]*)\)", form)
        if inner is None:
            return [" ".join(form.split())]
        outer_parts = re.split(r"(\([^()]*\))", form)
        if "(" in re.sub(r"\([^()]*\)", "", form):  # nested: open the innermost first
            before, after = form[: inner.start()], form[inner.end() :]
            return list(
                dict.fromkeys(s for choice in inner.group(1).split("|") for s in expand(before + choice + after))
            )
        choices = [part[1:-1].split("|") if part.startswith("(") else [part] for part in outer_parts]
        return list(dict.fromkeys(" ".join("".join(pick).split()) for pick in itertools.product(*choices)))
