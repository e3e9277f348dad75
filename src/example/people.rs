//! Who works at Fabrikam Industries: twelve sites, 324 people by name. A name is written `Latin/native` where the two
//! differ: the native form is what is displayed, the Latin one makes the account name.

/// A site and its people; the n-th given name belongs to the n-th surname.
pub struct Site {
    pub name: &'static str,
    /// As the organisational unit spells it.
    pub unit: &'static str,
    pub country: &'static str,
    pub order: NameOrder,
    pub given: &'static str,
    pub surnames: &'static str,
}

/// How a site names its accounts' CN.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum NameOrder {
    /// `Anna Schmidt`.
    GivenFirst,
    /// `Schmidt, Anna`: a comma within the CN.
    SurnameComma,
    /// `田中 美咲`.
    SurnameFirst,
}

/// Departments, dealt out to the people of each site in turn.
pub const DEPARTMENTS: [&str; 12] = [
    "Production",
    "Engineering",
    "Quality",
    "Logistics",
    "Maintenance",
    "Procurement",
    "Sales",
    "Finance",
    "IT",
    "Human Resources",
    "EHS",
    "Legal",
];

pub const SITES: [Site; 12] = [
    Site {
        name: "Stuttgart",
        unit: "Stuttgart",
        country: "DE",
        order: NameOrder::SurnameComma,
        given: "Anna;Jurgen/Jürgen;Katharina;Matthias;Sabine;Torsten;Ulrike;Bjorn/Björn;Heike;Stefan;Gudrun;Lars;Renate;\
                Volker;Claudia;Dieter;Marlene;Jorg/Jörg;Birgit;Philipp;Franziska;Holger;Steffi;Ruediger/Rüdiger;Ines;\
                Markus;Doris",
        surnames: "Schmidt;Mueller/Müller;Bergmann;Koenig/König;Vogel;Hartmann;Schaefer/Schäfer;Lindner;Weiss/Weiß;\
                   Brandt;Kraemer/Krämer;Voss;Pohl;Jaeger/Jäger;Seidel;Thiele;Arnold;Boehm/Böhm;Haas;Winkler;\
                   Roth;Fuchs;Lorenz;Grosse/Große;Zimmermann;Ernst;Stark",
    },
    Site {
        name: "Milwaukee",
        unit: "Milwaukee",
        country: "US",
        order: NameOrder::SurnameComma,
        given: "Denise;Marcus;Tamika;Robert;Ashley;Darnell;Kimberly;Juan;Heather;Tyrone;Megan;Brian;Latoya;Kevin;\
                Stephanie;Andre/André;Rachel;Scott;Monique;Gregory;Crystal;Patrick;Erin;Jerome;Nicole;Walter;Joy",
        surnames: "Washington;Kowalczyk;Robinson;Schroeder;Bennett;Freeman;O'Brien;Ramirez/Ramírez;Sullivan;Coleman;\
                   Olson;Peterson;Jefferson;Nowak;Foster;Baptiste;Hughes;Lindqvist;Price;Novotny;Hayes;McCarthy;\
                   Brooks;Dixon;Fischer;Yang;Vang",
    },
    Site {
        name: "Lyon",
        unit: "Lyon",
        country: "FR",
        order: NameOrder::GivenFirst,
        given: "Helene/Hélène;Francois/François;Aurelie/Aurélie;Mehdi;Celine/Céline;Guillaume;Nathalie;Benoit/Benoît;\
                Fatima;Julien;Sandrine;Yacine;Laetitia/Laëtitia;Pascal;Amelie/Amélie;Thierry;Ines/Inès;Gerard/Gérard;\
                Camille;Bruno;Soraya;Etienne/Étienne;Virginie;Mathieu;Noemie/Noémie;Olivier;Chantal",
        surnames: "Lefevre/Lefèvre;Besson;Moreau;Benali;Chevalier;Garnier;Perrin;Faure;Haddad;Rousseau;Marchand;Cherif;\
                   Dupuis;Gauthier;Lacroix;Bonnet;Belkacem;Renard;Dumont;Fontaine;Amrani;Leroux;Guerin/Guérin;Colin;\
                   Roche;Vidal;Picard",
    },
    Site {
        name: "Guadalajara",
        unit: "Guadalajara",
        country: "MX",
        order: NameOrder::GivenFirst,
        given: "Maria Jose/María José;Alejandro;Guadalupe;Jesus/Jesús;Ximena;Rodrigo;Lucia/Lucía;Hector/Héctor;Paola;\
                Andres/Andrés;Veronica/Verónica;Raul/Raúl;Itzel;Ernesto;Daniela;Oscar/Óscar;Yolanda;Emiliano;Monica/Mónica;\
                Ruben/Rubén;Citlali;Gerardo;Alma;Ivan/Iván;Rosario;Tomas/Tomás;Beatriz",
        surnames: "Hernandez/Hernández;Ibarra;Nunez/Núñez;Castaneda/Castañeda;Ochoa;Munoz/Muñoz;Salazar;Cardenas/Cárdenas;\
                   Villarreal;Pena/Peña;Orozco;Beltran/Beltrán;Tlapa;Zuniga/Zúñiga;Barragan/Barragán;Montes;Quintero;\
                   Rangel;Saldana/Saldaña;Figueroa;Huerta;Trejo;Navarro;Becerra;Acosta;Vallejo;Lozano",
    },
    Site {
        name: "Brno",
        unit: "Brno",
        country: "CZ",
        order: NameOrder::GivenFirst,
        given: "Tereza;Ondrej/Ondřej;Lenka;Jiri/Jiří;Zuzana;Vaclav/Václav;Katerina/Kateřina;Tomas/Tomáš;Sarka/Šárka;\
                Lubos/Luboš;Jitka;Radek;Alzbeta/Alžběta;Zdenek/Zdeněk;Marketa/Markéta;Stepan/Štěpán;Ivana;Milos/Miloš;\
                Dana;Frantisek/František;Renata;Matej/Matěj;Blanka;Kamil;Vendula;Lukas/Lukáš;Hana",
        surnames: "Dvorakova/Dvořáková;Novak/Novák;Kralova/Králová;Hajek/Hájek;Benesova/Benešová;Sykora/Sýkora;\
                   Ruzickova/Růžičková;Cerny/Černý;Vlckova/Vlčková;Kolar/Kolář;Urbanova/Urbanová;Maly/Malý;\
                   Konecna/Konečná;Zeman;Jelinkova/Jelínková;Fiala;Sedlackova/Sedláčková;Blaha/Bláha;Polakova/Poláková;\
                   Vanek/Vaněk;Krizova/Křížová;Kucera/Kučera;Simkova/Šimková;Pesek/Pešek;Ticha/Tichá;Ruzek/Růžek;Musilova/Musilová",
    },
    Site {
        name: "Gdansk",
        unit: "Gdańsk",
        country: "PL",
        order: NameOrder::GivenFirst,
        given: "Malgorzata/Małgorzata;Pawel/Paweł;Agnieszka;Lukasz/Łukasz;Zofia;Grzegorz;Bozena/Bożena;Michal/Michał;\
                Jolanta;Slawomir/Sławomir;Ewelina;Tadeusz;Kinga;Wojciech;Elzbieta/Elżbieta;Rafal/Rafał;Hanna;Zbigniew;\
                Urszula;Maciej;Dorota;Jaroslaw/Jarosław;Iwona;Krzysztof;Weronika;Bartosz;Genowefa",
        surnames: "Wisniewska/Wiśniewska;Zajac/Zając;Dabrowska/Dąbrowska;Wrobel/Wróbel;Kaczmarek;Piatek/Piątek;\
                   Wojcik/Wójcik;Szymanski/Szymański;Gorska/Górska;Krol/Król;Jablonska/Jabłońska;Sikora;Baran;\
                   Czarnecki;Rutkowska;Ostrowski;Sobczak;Mazurek;Glowacka/Głowacka;Lis;Zawadzka;Maj;Wlodarczyk/Włodarczyk;\
                   Kubiak;Cieslak/Cieślak;Borkowski;Stepien/Stępień",
    },
    Site {
        name: "Porto",
        unit: "Porto",
        country: "PT",
        order: NameOrder::GivenFirst,
        given: "Joao/João;Ines/Inês;Goncalo/Gonçalo;Catarina;Antonio/António;Fatima/Fátima;Tiago;Sonia/Sónia;Rui;\
                Conceicao/Conceição;Nuno;Marta;Duarte;Leonor;Vasco;Susana;Jose/José;Filipa;Luis/Luís;Carolina;Diogo;\
                Graca/Graça;Fernao/Fernão;Teresa;Helder/Hélder;Matilde;Simao/Simão",
        surnames: "Goncalves/Gonçalves;Magalhaes/Magalhães;Simoes/Simões;Araujo/Araújo;Conceicao/Conceição;Tavares;\
                   Coutinho;Guimaraes/Guimarães;Leitao/Leitão;Vieira;Brandao/Brandão;Peixoto;Saraiva;Azevedo;\
                   Falcao/Falcão;Moura;Fonseca;Seabra;Queiros/Queirós;Pacheco;Abreu;Camoes/Camões;Bastos;Lourenco/Lourenço;\
                   Teles;Varela;Cunha",
    },
    Site {
        name: "Izmir",
        unit: "Izmir",
        country: "TR",
        order: NameOrder::GivenFirst,
        given: "Ayse/Ayşe;Mehmet;Gulsen/Gülşen;Emre;Ozlem/Özlem;Cagri/Çağrı;Sibel;Hakan;Sukran/Şükran;Burak;Elif;\
                Omer/Ömer;Nurcan;Tolga;Zeynep;Ilker/İlker;Hulya/Hülya;Kemal;Dilara;Ugur/Uğur;Pinar/Pınar;Serkan;\
                Tugba/Tuğba;Ali;Fusun/Füsun;Baris/Barış;Leyla",
        surnames: "Yilmaz/Yılmaz;Ozturk/Öztürk;Kaya;Celik/Çelik;Dogan/Doğan;Sahin/Şahin;Aydin/Aydın;Arslan;Gunes/Güneş;\
                   Koc/Koç;Yildiz/Yıldız;Kilic/Kılıç;Tas/Taş;Erdogan/Erdoğan;Polat;Akin/Akın;Ucar/Uçar;Bozkurt;\
                   Simsek/Şimşek;Turan;Bulut;Keskin;Ozkan/Özkan;Gokce/Gökçe;Tekin;Avci/Avcı;Korkmaz",
    },
    Site {
        name: "Pune",
        unit: "Pune",
        country: "IN",
        order: NameOrder::GivenFirst,
        given: "Priya;Rahul;Ananya;Vikram;Sunita;Arjun;Kavita;Imran;Meera;Sanjay;Fathima;Nikhil;Deepa;Rajesh;Lakshmi;\
                Gurpreet;Sneha;Aditya;Asha;Mahesh;Rukmini;Farhan;Pooja;Suresh;Divya;Harish;Neha",
        surnames: "Deshpande;Kulkarni;Iyer;Singh Rathore;Joshi;Menon;Patil;Shaikh;Krishnan;Gokhale;Beevi;Chaudhari;\
                   Nair;Bhosale;Subramaniam;Kaur;Jadhav;Banerjee;Pillai;Shinde;Venkataraman;Qureshi;Agarwal;Reddy;\
                   Chatterjee;Hegde;Mehta",
    },
    Site {
        name: "Osaka",
        unit: "大阪",
        country: "JP",
        order: NameOrder::SurnameFirst,
        given: "Misaki/美咲;Hiroshi/浩;Yuko/裕子;Kenji/健二;Sakura/さくら;Takeshi/武;Ayumi/歩美;Daisuke/大輔;Naoko/直子;\
                Shota/翔太;Emi/恵美;Makoto/誠;Chiharu/千春;Ryo/涼;Kaori/香織;Satoshi/聡;Haruka/遥;Yuta/優太;Tomoko/智子;\
                Akira/明;Mai/舞;Koji/浩二;Rina/里奈;Noboru/昇;Megumi/恵;Isamu/勇;Kazumi/和美",
        surnames: "Tanaka/田中;Suzuki/鈴木;Takahashi/高橋;Watanabe/渡辺;Ito/伊藤;Yamamoto/山本;Nakamura/中村;Kobayashi/小林;\
                   Kato/加藤;Yoshida/吉田;Yamada/山田;Sasaki/佐々木;Matsumoto/松本;Inoue/井上;Kimura/木村;Hayashi/林;\
                   Shimizu/清水;Saito/斎藤;Mori/森;Ikeda/池田;Hashimoto/橋本;Ishikawa/石川;Maeda/前田;Fujita/藤田;\
                   Okada/岡田;Goto/後藤;Hasegawa/長谷川",
    },
    Site {
        name: "Hanoi",
        unit: "Hà Nội",
        country: "VN",
        order: NameOrder::SurnameFirst,
        given: "Thi Hanh/Thị Hạnh;Van Duc/Văn Đức;Thi Lan/Thị Lan;Minh Tuan/Minh Tuấn;Ngoc Anh/Ngọc Ánh;Quoc Bao/Quốc Bảo;\
                Thu Ha/Thu Hà;Duc Thang/Đức Thắng;Thi Mai/Thị Mai;Huu Phuoc/Hữu Phước;Bich Ngoc/Bích Ngọc;Van Hung/Văn Hùng;\
                Thi Yen/Thị Yến;Cong Vinh/Công Vinh;Thuy Linh/Thùy Linh;Dinh Khoa/Đình Khoa;Hong Nhung/Hồng Nhung;\
                Trong Nghia/Trọng Nghĩa;Kim Oanh;Anh Dung/Anh Dũng;Thanh Truc/Thanh Trúc;Xuan Loc/Xuân Lộc;Diem My/Diễm My;\
                Gia Huy;Phuong Thao/Phương Thảo;Thanh Son/Thanh Sơn;Tuyet Nga/Tuyết Nga",
        surnames: "Nguyen/Nguyễn;Tran/Trần;Le/Lê;Pham/Phạm;Hoang/Hoàng;Phan;Vu/Vũ;Vo/Võ;Dang/Đặng;Bui/Bùi;Do/Đỗ;Ho/Hồ;\
                   Ngo/Ngô;Duong/Dương;Ly/Lý;Dinh/Đinh;Truong/Trương;Mai;Cao;Luong/Lương;Trinh/Trịnh;Ha/Hà;Lam/Lâm;\
                   Phung/Phùng;To/Tô;Quach/Quách;Tang/Tăng",
    },
    Site {
        name: "Durban",
        unit: "Durban",
        country: "ZA",
        order: NameOrder::GivenFirst,
        given: "Thandiwe;Sipho;Nomvula;Pieter;Ayanda;Johan;Zanele;Themba;Anika;Bongani;Lindiwe;Riaan;Nokuthula;\
                Kagiso;Yusuf;Precious;Mandla;Chantelle;Vusumuzi;Lerato;Craig;Nandi;Ismail;Busisiwe;Hendrik;Palesa;Andile",
        surnames: "Dlamini;Nkosi;Mkhize;van der Merwe;Zulu;Botha;Khumalo;Ngcobo;Naidoo;Cele;Mthembu;Pretorius;Buthelezi;\
                   Molefe;Moosa;Shabalala;Gumede;du Plessis;Sithole;Mokoena;Govender;Hadebe;Essop;Mchunu;Viljoen;Phiri;\
                   Ndlovu",
    },
];

/// Contractors with an account in Entra only: no counterpart in AD.
pub const CLOUD_ONLY: [&str; 8] = [
    "Margit Sandoy",
    "Aaron Okonkwo",
    "Liu Meiling",
    "Stelios Papadakis",
    "Rosa Quispe",
    "Daniel Abrahamsen",
    "Nadia Petrova",
    "Hamza El Idrissi",
];

/// Users of the forest that came with the purchase of Litware Tools: synchronised, but from there.
pub const OTHER_FOREST: [&str; 4] = ["Giulia Ferraro", "Marco Bellini", "Chiara Gallo", "Davide Russo"];

/// Users that were synchronised before Connect wrote object identifiers, and not since.
pub const NO_IDENTIFIER: [&str; 2] = ["Ingrid Solheim", "Piet Vermeulen"];
