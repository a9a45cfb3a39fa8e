"""Harmonized System products by section, chapter and heading, and technology goods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pandas as pd

LevelName = Literal["total", "section", "hs2", "hs4", "hs6", "technology"]
LEVELS: tuple[LevelName, ...] = ("total", "section", "hs2", "hs4", "hs6", "technology")

SECTIONS: tuple[tuple[str, int, str], ...] = (
    ("s01", 5, "Live animals; animal products"),
    ("s02", 14, "Vegetable products"),
    ("s03", 15, "Fats and oils"),
    ("s04", 24, "Prepared foodstuffs; beverages; tobacco"),
    ("s05", 27, "Mineral products"),
    ("s06", 38, "Chemicals"),
    ("s07", 40, "Plastics and rubber"),
    ("s08", 43, "Hides, skins and leather"),
    ("s09", 46, "Wood and articles of wood"),
    ("s10", 49, "Pulp and paper"),
    ("s11", 63, "Textiles"),
    ("s12", 67, "Footwear and headgear"),
    ("s13", 70, "Stone, ceramics and glass"),
    ("s14", 71, "Precious stones and metals"),
    ("s15", 83, "Base metals"),
    ("s16", 85, "Machinery and electrical equipment"),
    ("s17", 89, "Vehicles, aircraft and vessels"),
    ("s18", 92, "Optical, medical and musical instruments"),
    ("s19", 93, "Arms and ammunition"),
    ("s20", 96, "Miscellaneous manufactures"),
    ("s21", 98, "Works of art and antiques"),
    ("s99", 99, "Not specified"),
)
"""Section, its last chapter, and its name, shortened."""

# fmt: off
CHAPTERS: tuple[str, ...] = (
    "Live animals", "Meat", "Fish", "Dairy, eggs, honey", "Other animal products", "Live plants",
    "Vegetables", "Fruit and nuts", "Coffee, tea, spices", "Cereals", "Milling products",
    "Oil seeds", "Gums and resins", "Vegetable plaiting materials", "Fats and oils",
    "Preparations of meat or fish", "Sugars", "Cocoa", "Preparations of cereals",
    "Preparations of vegetables and fruit", "Miscellaneous foods", "Beverages",
    "Food residues and fodder", "Tobacco", "Salt, sulphur, stone, cement", "Ores",
    "Mineral fuels", "Inorganic chemicals", "Organic chemicals", "Pharmaceuticals", "Fertilisers",
    "Dyes and paints", "Perfumery and cosmetics", "Soaps and waxes", "Albuminoids and glues",
    "Explosives", "Photographic goods", "Other chemicals", "Plastics", "Rubber", "Raw hides",
    "Leather articles", "Furskins", "Wood", "Cork", "Straw articles", "Pulp", "Paper",
    "Printed books", "Silk", "Wool", "Cotton", "Other vegetable fibres", "Man-made filaments",
    "Man-made staple fibres", "Wadding and felt", "Carpets", "Special fabrics", "Coated textiles",
    "Knitted fabrics", "Knitted clothing", "Woven clothing", "Other textile articles", "Footwear",
    "Headgear", "Umbrellas", "Feathers and artificial flowers", "Stone and cement articles",
    "Ceramics", "Glass", "Precious stones and metals", "Iron and steel",
    "Iron and steel articles", "Copper", "Nickel", "Aluminium", "Reserved", "Lead", "Zinc", "Tin",
    "Other base metals", "Tools and cutlery", "Other metal articles", "Machinery",
    "Electrical equipment", "Railway equipment", "Vehicles", "Aircraft", "Vessels",
    "Optical and medical instruments", "Clocks and watches", "Musical instruments", "Arms",
    "Furniture", "Toys and sports goods", "Other manufactures", "Art and antiques",
    "Special uses", "Not specified",
)
# fmt: on
"""Short names of the chapters from 01 on; 98 and 99 are the reporters' own and unspecified."""

TECHNOLOGY: dict[str, tuple[str, str]] = {
    "robots": ("847950", "Industrial robots"),
    "computers": ("8471", "Computers"),
    "semiconductors": ("8542", "Integrated circuits"),
    "telecom": ("8517", "Telecom and network equipment"),
}
"""Goods of technology: code and name. Welding robots in a harness are under 8515, so that robots
are under-counted (US customs ruling NY N189761)."""

_LAST_RAW_CHAPTER = 27
_FIRST_FOOD, _LAST_FOOD = 16, 24


@dataclass(frozen=True, slots=True)
class Level:
    """Level of detail of products."""

    name: LevelName

    @property
    def has_sectors(self) -> bool:
        """Whether the level has sectors."""
        return self.name != "total"

    def sector(self, product: str) -> str | None:
        """Sector of a six-digit product; None where the level leaves it out."""
        if self.name == "total":
            return ""
        if self.name == "section":
            return section_of(product[:2])
        if self.name == "technology":
            return next((g for g, (c, _) in TECHNOLOGY.items() if product.startswith(c)), None)
        return product[: int(self.name[2:])]

    def sector_table(self, products: Mapping[str, str]) -> pd.DataFrame | None:
        """Attributes of sectors, as `features.data.sectors` reads them; None where there are none.

        Parameters
        ----------
        products
            Description of each six-digit product; without any, headings and products have no table.
        """
        rows = self._named_sectors(products)
        if not rows:
            return None
        table = pd.DataFrame(rows, columns=["sector", "name", "kind"])
        return table.assign(digitally_deliverable=0)

    def _named_sectors(self, products: Mapping[str, str]) -> list[tuple[str, str, str]]:
        if self.name == "section":
            firsts = [1, *(last + 1 for _, last, _ in SECTIONS[:-1])]
            return [
                (code, name, _kind(first))
                for (code, _, name), first in zip(SECTIONS, firsts, strict=True)
            ]
        if self.name == "hs2":
            named = enumerate(CHAPTERS, start=1)
            return [(f"{number:02d}", name, _kind(number)) for number, name in named]
        if self.name == "technology":
            return [(good, name, "manufacturing") for good, (_, name) in TECHNOLOGY.items()]
        if self.name == "hs4":
            headings = sorted({code[:4] for code in products})
            return [(code, f"Heading {code}", _kind(int(code[:2]))) for code in headings]
        if self.name == "hs6":
            return [(code, name, _kind(int(code[:2]))) for code, name in sorted(products.items())]
        return []


def level_named(name: str) -> Level:
    """The level of a name in `LEVELS`."""
    return Level(next(level for level in LEVELS if level == name))


def section_of(chapter: str) -> str:
    """Section of a two-digit chapter."""
    number = int(chapter)
    return next(code for code, last, _ in SECTIONS if number <= last)


def _kind(chapter: int) -> str:
    """Food, drink and tobacco preparations and everything after minerals come from factories."""
    raw = chapter <= _LAST_RAW_CHAPTER and not _FIRST_FOOD <= chapter <= _LAST_FOOD
    return "goods" if raw or chapter >= 98 else "manufacturing"
