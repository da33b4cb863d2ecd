"""A KV cache that grows without being copied at every token.

transformers' own (`DynamicLayer`) joins the new token's keys and values to the old ones by making both anew, in every
layer and at every step. Here they are written into room that was made beforehand, and more room is made seldom. (Its
`StaticCache` has fixed room, too, but can't drop rows that have ended, and reads all of the room at every step.)
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer


class GrowingLayer(DynamicLayer):  # type: ignore[no-untyped-call]  # its base's hook has no types
    """Keys and values of one layer (batch x heads x length x size): views of the first places of a larger room."""

    def __init__(self, room: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._room = room
        self._buffers: list[torch.Tensor] = []

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """See `DynamicLayer`."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        past, new = self.get_seq_length(), (key_states, value_states)
        length = past + key_states.shape[-2]
        if not self._buffers or self._buffers[0].shape[-2] < length:
            room = max(self._room, length + length // 4)
            self._buffers = [each.new_empty((*each.shape[:-2], room, each.shape[-1])) for each in new]
            for buffer, old in zip(self._buffers, (self.keys, self.values), strict=True):
                if past and old is not None:
                    buffer[..., :past, :] = old
        for buffer, each in zip(self._buffers, new, strict=True):
            buffer[..., past:length, :] = each
        keys, values = (buffer[..., :length, :] for buffer in self._buffers)
        self.keys, self.values = keys, values
        return keys, values

    def batch_repeat_interleave(self, repeats: int) -> None:
        """See `DynamicLayer`; the room is made anew when the next token comes."""
        self._buffers = []
        super().batch_repeat_interleave(repeats)

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        """See `DynamicLayer`; the room is made anew when the next token comes."""
        self._buffers = []
        super().batch_select_indices(indices)


def growing_cache(config: Any, room: int) -> DynamicCache:
    """A cache for a model, with room for `room` tokens in all of its layers that may keep them all, also in those with
    a sliding window that is longer than that. Other kinds of layers are transformers' own.
    """
    cache = DynamicCache(config=config)
    for place, layer in enumerate(cache.layers):
        slides = type(layer) is DynamicSlidingWindowLayer and layer.sliding_window > room
        if type(layer) is DynamicLayer or slides:
            cache.layers[place] = GrowingLayer(room)
    return cache
