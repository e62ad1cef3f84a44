"""A prompt as the list of turns that chat templates and servers take."""

from __future__ import annotations

from fairrec.protocols import Prompt


def conversation(prompt: Prompt, *, system_role: bool = True) -> list[dict[str, str]]:
    """Return the turns of a prompt but for its prefill, each with a role and its content.

    Args:
        prompt: What is asked.
        system_role: Whether the model knows a system turn; if not, it opens the first user turn.
    """
    said = [text for exchange in prompt.earlier for text in exchange]
    texts = [*said, prompt.user]
    if prompt.system and not system_role:
        texts[0] = f"{prompt.system}\n\n{texts[0]}"
    turns = [
        {"role": "assistant" if n % 2 else "user", "content": text} for n, text in enumerate(texts)
    ]
    if prompt.system and system_role:
        turns.insert(0, {"role": "system", "content": prompt.system})
    return turns
