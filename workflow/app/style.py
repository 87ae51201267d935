"""The page's own style, on top of Streamlit's."""

STYLE = """<style>
/* The middle of a thumbnail, as in the figures: the galaxy rather than the sky about it. */
[class*="st-key-pick-"] {{ position: relative; overflow: hidden; }}
[class*="st-key-pick-"] img {{
  display: block; aspect-ratio: 1; border-radius: 0;
  clip-path: inset({cut}%); transform: scale({scale});
}}
[class*="st-key-pick-"] [data-testid="stElementToolbar"] {{ display: none; }}
/* The whole picture is the button that stands under it. */
[class*="st-key-pick-"] [data-testid="stElementContainer"]:has(button) {{ position: static; }}
[class*="st-key-pick-"] .stButton, [class*="st-key-pick-"] .stButton * {{ position: static; }}
[class*="st-key-pick-"] button::after {{ content: ""; position: absolute; inset: 0; z-index: 1; }}
[class*="st-key-pick-"] button {{ min-height: 2rem; padding: 0.25rem; }}
[class*="st-key-pick-"] button p {{ font-size: 0.8rem; overflow-wrap: anywhere; }}
[class*="st-key-pick-"]:hover {{ outline: 2px solid #8ab4ff; }}
[class*="st-key-pick-"]:focus-within {{ outline: 3px solid #ffd166; outline-offset: 2px; }}
[class*="st-key-pick-asked"], [class*="st-key-pick-like"] {{ border: 3px solid #37c871; }}
[class*="st-key-pick-unlike"] {{ border: 3px dashed #ff7b72; }}
button:focus-visible, a:focus-visible, input:focus-visible {{
  outline: 3px solid #ffd166 !important; outline-offset: 2px;
}}
/* The theme's blue is for what is behind white text; as text itself it is too dark. */
[data-testid="stSliderThumbValue"] {{ color: inherit; }}
h1 {{ font-size: 2rem !important; }}
h2 {{ font-size: 1.4rem !important; }}
h3 {{ font-size: 1.15rem !important; }}
.stMainBlockContainer {{ padding: 3rem clamp(1rem, 3vw, 3rem) 3rem; }}
</style>"""


def style(size: int, crop: int) -> str:
    """Write the style for thumbnails of `size` pixels, of which `crop` are cut off each side."""
    return STYLE.format(cut=f"{100 * crop / size:.2f}", scale=f"{size / (size - 2 * crop):.4f}")
